//! What a wire does to packets of one direction, and how that is written.

use std::num::ParseFloatError;
use std::time::Duration;

use thiserror::Error;

const DEFAULT_QUEUE: usize = 256 * 1024;
const LONGEST_DELAY: f64 = 60_000.0;

#[derive(Clone, Debug, PartialEq)]
pub struct Impairment {
    /// How long every packet is under way.
    pub delay: Duration,
    /// How much longer a packet is under way that others overtake.
    pub hold: Duration,
    /// Probabilities from 0 to 1.
    pub loss: f64,
    pub duplicate: f64,
    pub reorder: f64,
    /// Bits per second that the wire takes; `None` for as many as come.
    pub rate: Option<f64>,
    /// Bytes that wait for the wire at most, where it has a rate.
    pub queue: usize,
    /// The longest IP packet; longer ones vanish without a word.
    pub mtu: Option<usize>,
}

#[derive(Debug, Error, PartialEq)]
pub enum SettingError {
    #[error("a setting is NAME=NUMBER, not {0:?}")]
    Form(String),
    #[error("there is no setting {0:?}")]
    Unknown(String),
    #[error("{0} is no number")]
    Number(#[from] ParseFloatError),
    #[error("{name} goes from 0 to {most}")]
    Range { name: String, most: f64 },
}

impl Default for Impairment {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            hold: Duration::from_millis(5),
            loss: 0.0,
            duplicate: 0.0,
            reorder: 0.0,
            rate: None,
            queue: DEFAULT_QUEUE,
            mtu: None,
        }
    }
}

impl Impairment {
    /// Gives a copy with `NAME=NUMBER` changed: `delay` and `hold` in milliseconds, `loss`, `duplicate` and `reorder` as
    /// probabilities, `rate` in Mbit/s, `queue` and `mtu` in bytes; 0 for `rate` and `mtu` means without limit.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn with(&self, setting: &str) -> Result<Self, SettingError> {
        let (name, number) = setting.split_once('=').ok_or_else(|| SettingError::Form(setting.to_owned()))?;
        let number: f64 = number.parse()?;
        let within = |most: f64| {
            let fits = (0.0..=most).contains(&number);
            if fits { Ok(number) } else { Err(SettingError::Range { name: name.to_owned(), most }) }
        };
        let milliseconds = || within(LONGEST_DELAY).map(|number| Duration::from_secs_f64(number / 1000.0));
        let mut changed = self.clone();
        match name {
            "delay" => changed.delay = milliseconds()?,
            "hold" => changed.hold = milliseconds()?,
            "loss" => changed.loss = within(1.0)?,
            "duplicate" => changed.duplicate = within(1.0)?,
            "reorder" => changed.reorder = within(1.0)?,
            "rate" => changed.rate = Some(within(1e6)? * 1e6).filter(|rate| *rate > 0.0),
            "queue" => changed.queue = within(1e9)? as usize,
            "mtu" => changed.mtu = Some(within(65_535.0)? as usize).filter(|mtu| *mtu > 0),
            _ => return Err(SettingError::Unknown(name.to_owned())),
        }
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(settings: &str) -> Result<Impairment, SettingError> {
        settings.split(' ').try_fold(Impairment::default(), |impairment, setting| impairment.with(setting))
    }

    #[test]
    fn settings_are_read_in_their_units() {
        let impairment =
            set("delay=20 hold=2.5 loss=0.03 duplicate=0.01 reorder=1 rate=100 queue=9000 mtu=1280").unwrap();
        let expected = Impairment {
            delay: Duration::from_millis(20),
            hold: Duration::from_micros(2500),
            loss: 0.03,
            duplicate: 0.01,
            reorder: 1.0,
            rate: Some(1e8),
            queue: 9000,
            mtu: Some(1280),
        };
        assert_eq!(impairment, expected);
    }

    #[test]
    fn zero_takes_limits_away() {
        assert_eq!(set("rate=5 mtu=1280 rate=0 mtu=0"), Ok(Impairment::default()));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in ["loss", "loss=often", "loss=1.1", "loss=-0.1", "loss=nan", "delay=60001", "speed=1", ""] {
            assert!(set(wrong).is_err(), "{wrong}");
        }
    }
}
