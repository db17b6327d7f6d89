//! Carries frames between the two ends, and lines to `command`. It holds no rule of its own.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use crate::command::obey;
use crate::pipe::Pipe;
use crate::tap::Tap;
use crate::wait::readable;

const LONGEST_FRAME: usize = 65_536;
/// Frames that are read from one end before the other has its turn.
const READ_BUDGET: usize = 64;

pub struct Bridge {
    taps: [Tap; 2],
    pipes: [Pipe; 2],
    buffer: Vec<u8>,
}

impl Bridge {
    pub fn new(taps: [Tap; 2], seed: u64) -> Self {
        let pipes = [Pipe::new(seed), Pipe::new(seed.wrapping_add(1))];
        Self { taps, pipes, buffer: vec![0; LONGEST_FRAME] }
    }

    /// Works until the standard input ends.
    ///
    /// # Errors
    /// An interface or a standard stream failed.
    pub fn run(mut self) -> io::Result<()> {
        let mut input = Commands::open()?;
        answer("ready")?;
        loop {
            let descriptors = [self.taps[0].as_fd(), self.taps[1].as_fd(), input.stdin.as_fd()];
            let [left, right, commands] = readable(descriptors, self.patience())?;
            if commands {
                let Some(lines) = input.read()? else { return Ok(()) };
                for line in lines {
                    answer(&obey(&line, &mut self.pipes).unwrap_or_else(|error| format!("error: {error}")))?;
                }
            }
            for (end, has_frames) in [left, right].into_iter().enumerate() {
                if has_frames {
                    self.take_from(end)?;
                }
                self.hand_to(1 - end)?;
            }
        }
    }

    fn patience(&self) -> Option<Duration> {
        let next = self.pipes.iter().filter_map(Pipe::next_arrival).min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    fn take_from(&mut self, end: usize) -> io::Result<()> {
        for _ in 0..READ_BUDGET {
            let Some(length) = self.taps[end].read(&mut self.buffer)? else { break };
            self.pipes[end].accept(Instant::now(), &self.buffer[..length]);
        }
        Ok(())
    }

    fn hand_to(&mut self, end: usize) -> io::Result<()> {
        let now = Instant::now();
        while let Some(frame) = self.pipes[1 - end].deliver(now) {
            self.taps[end].write(&frame)?;
        }
        Ok(())
    }
}

/// The lines of the standard input, without ever waiting for the rest of one.
struct Commands {
    /// Not `Stdin`, which may hold lines back that the descriptor no longer tells of.
    stdin: File,
    unread: Vec<u8>,
}

impl Commands {
    fn open() -> io::Result<Self> {
        Ok(Self { stdin: io::stdin().as_fd().try_clone_to_owned()?.into(), unread: Vec::new() })
    }

    /// Reads what is there and gives the lines that are whole; `None` at the end.
    fn read(&mut self) -> io::Result<Option<Vec<String>>> {
        let mut chunk = [0; 4096];
        let length = self.stdin.read(&mut chunk)?;
        if length == 0 {
            return Ok(None);
        }
        self.unread.extend(&chunk[..length]);
        let whole = self.unread.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        let lines: Vec<u8> = self.unread.drain(..whole).collect();
        Ok(Some(String::from_utf8_lossy(&lines).lines().map(str::to_owned).collect()))
    }
}

fn answer(line: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()
}
