//! What can be asked of a running wire, a line each: `DIRECTION NAME=NUMBER…` changes what it does to packets, and
//! `counters` tells what became of them. A direction is `forth` (from the first end to the second), `back` or `both`.

use thiserror::Error;

use crate::impairment::{Impairment, SettingError};
use crate::pipe::{Counters, Pipe};

#[derive(Debug, Error, PartialEq)]
pub enum CommandError {
    #[error("a command is `counters`, or begins with `forth`, `back` or `both`")]
    Unknown,
    #[error(transparent)]
    Setting(#[from] SettingError),
}

/// Does what a line says and gives the answer.
///
/// # Errors
/// What is wrong with the line; nothing has changed then.
pub fn obey(line: &str, pipes: &mut [Pipe; 2]) -> Result<String, CommandError> {
    let mut words = line.split_whitespace();
    let chosen = match words.next() {
        Some("counters") => return Ok(pipes.each_ref().map(|pipe| describe(pipe.counters())).join(" ")),
        Some("forth") => &mut pipes[..1],
        Some("back") => &mut pipes[1..],
        Some("both") => &mut pipes[..],
        _ => return Err(CommandError::Unknown),
    };
    let settings: Vec<&str> = words.collect();
    let changed: Result<Vec<Impairment>, SettingError> = chosen
        .iter()
        .map(|pipe| settings.iter().try_fold(pipe.impairment.clone(), |impairment, setting| impairment.with(setting)))
        .collect();
    for (pipe, impairment) in chosen.iter_mut().zip(changed?) {
        pipe.impairment = impairment;
    }
    Ok("ok".to_owned())
}

fn describe(counters: Counters) -> String {
    let Counters { delivered, lost, too_long, queue_full, duplicated, reordered } = counters;
    format!(
        "delivered={delivered} lost={lost} too_long={too_long} queue_full={queue_full} duplicated={duplicated} \
         reordered={reordered}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipes() -> [Pipe; 2] {
        [Pipe::new(1), Pipe::new(2)]
    }

    #[test]
    fn directions_are_changed_apart_and_together() {
        let mut pipes = pipes();
        assert_eq!(obey("both loss=0.5 mtu=1280", &mut pipes).as_deref(), Ok("ok"));
        assert_eq!(obey("forth loss=0.1", &mut pipes).as_deref(), Ok("ok"));
        assert_eq!(obey("back mtu=0", &mut pipes).as_deref(), Ok("ok"));
        let [forth, back] = pipes.map(|pipe| (pipe.impairment.loss, pipe.impairment.mtu));
        assert_eq!((forth, back), ((0.1, Some(1280)), (0.5, None)));
    }

    #[test]
    fn a_line_with_a_mistake_changes_nothing() {
        let mut pipes = pipes();
        assert!(matches!(obey("both loss=0.5 mtu=much", &mut pipes), Err(CommandError::Setting(_))));
        for unknown in ["", "sideways loss=1"] {
            assert_eq!(obey(unknown, &mut pipes), Err(CommandError::Unknown));
        }
        assert!(pipes.iter().all(|pipe| pipe.impairment == Impairment::default()));
    }

    #[test]
    fn counters_come_in_one_line_for_both_directions() {
        let answer = obey("counters", &mut pipes()).unwrap();
        assert_eq!(answer.matches("delivered=0").count(), 2);
        assert!(!answer.contains('\n'));
    }
}
