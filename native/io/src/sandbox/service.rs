//! Process 1 of the namespaces: starts programs as it is asked, tells their ends, takes in orphans.

use std::collections::HashMap;
use std::io::{self, Read};
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

use super::channel::{Channel, Packet};
use super::failure::{Doing, Failure, Part, checked};
use super::interface::{self, Controls};
use super::messages::{Command, InterfaceAddress, Reply, Request, Setup, Standing};
use super::namespaces::exit_code;
use super::payload;
use super::seccomp::Filter;

struct Service<'a> {
    channel: &'a Channel,
    controls: &'a Controls,
    standing: Standing,
    filter: Filter,
    interface: Option<&'a str>,
    addresses: Vec<InterfaceAddress>,
    /// Request numbers of the running programs, by process id.
    running: HashMap<libc::pid_t, u32>,
}

/// Serves until the other end of the channel closes. The caller then ends the process, and with it all programs.
pub fn serve(channel: &Channel, setup: &Setup, controls: &Controls) -> Result<(), Failure> {
    let mut children = child_signals().doing(Part::Control, "listen for ended children")?;
    let standing = setup.users.standing;
    let filter = Filter::compile(standing).doing(Part::Privileges, "compile the system call filter")?;
    let device = setup.device.as_ref();
    let mut service = Service {
        channel,
        controls,
        standing,
        filter,
        interface: device.map(|device| device.name.as_str()),
        addresses: device.map(|device| device.addresses.clone()).unwrap_or_default(),
        running: HashMap::new(),
    };
    loop {
        let [asked, ended] = wait(channel, &children).doing(Part::Control, "wait for requests")?;
        if ended {
            // Only that there was a signal matters: several ends may be told by one.
            children.read(&mut [0; mem::size_of::<libc::signalfd_siginfo>()]).doing(Part::Control, "read a signal")?;
            service.reap()?;
        }
        if asked {
            match channel.receive().doing(Part::Control, "receive a request")? {
                Some(packet) => service.answer(packet)?,
                None => return Ok(()),
            }
        }
    }
}

impl Service<'_> {
    fn answer(&mut self, packet: Packet) -> Result<(), Failure> {
        let request =
            Request::decode(&packet.bytes).map_err(io::Error::other).doing(Part::Control, "read a request")?;
        match request {
            Request::Run { number, command } => self.run(number, &command, packet.descriptors),
            Request::Kill { number } => self.kill(number),
            Request::SetAddresses { number, addresses } => self.set_addresses(number, addresses),
        }
    }

    /// Answers when the program has ended, or now if it can't be started.
    fn run(&mut self, number: u32, command: &Command, descriptors: Vec<OwnedFd>) -> Result<(), Failure> {
        let streams = <[OwnedFd; 3]>::try_from(descriptors)
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
            .doing(Part::Control, "take over the program's three streams")?;
        match payload::spawn(command, &streams, self.standing, &self.filter).doing(Part::Control, "fork") {
            Ok(process) => {
                self.running.insert(process, number);
                Ok(())
            }
            Err(failure) => self.reply(&Reply::Refused { number, failure: &failure }),
        }
    }

    /// Kills a program's process group; its end is told as ever. What has ended meanwhile needs no killing.
    fn kill(&mut self, number: u32) -> Result<(), Failure> {
        for process in self.running.iter().filter_map(|(process, of)| (*of == number).then_some(*process)) {
            // SAFETY: kill takes numbers. The group can't be another's: its leader is a child not waited for yet.
            unsafe { libc::kill(-process, libc::SIGKILL) };
        }
        Ok(())
    }

    fn set_addresses(&mut self, number: u32, addresses: Vec<InterfaceAddress>) -> Result<(), Failure> {
        let changed = match self.interface {
            Some(name) => interface::replace_addresses(name, &self.addresses, &addresses, self.controls),
            None => Err(io::Error::from(io::ErrorKind::NotFound)).doing(Part::Device, "find the interface"),
        };
        match changed {
            Ok(()) => {
                self.addresses = addresses;
                self.reply(&Reply::Done { number })
            }
            Err(failure) => self.reply(&Reply::Refused { number, failure: &failure }),
        }
    }

    /// Waits for every child that has ended: programs, and orphans that became children of process 1.
    fn reap(&mut self) -> Result<(), Failure> {
        loop {
            let mut status = 0;
            // SAFETY: the status is a live number.
            let process = unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG) };
            if process <= 0 {
                return Ok(());
            }
            if let Some(number) = self.running.remove(&process) {
                self.reply(&Reply::Exited { number, code: exit_code(status) })?;
            }
        }
    }

    fn reply(&self, reply: &Reply<'_>) -> Result<(), Failure> {
        self.channel.send(&reply.encode(), &[]).doing(Part::Control, "answer a request")
    }
}

/// Has the ends of children told by a descriptor instead of a handler.
fn child_signals() -> io::Result<std::fs::File> {
    // SAFETY: the set is live; the descriptor is new and nobody else's.
    unsafe {
        let mut signals = mem::zeroed();
        checked(libc::sigemptyset(&mut signals))?;
        checked(libc::sigaddset(&mut signals, libc::SIGCHLD))?;
        checked(libc::sigprocmask(libc::SIG_BLOCK, &signals, ptr::null_mut()))?;
        let descriptor = checked(libc::signalfd(-1, &signals, libc::SFD_CLOEXEC))?;
        Ok(OwnedFd::from_raw_fd(descriptor).into())
    }
}

/// Waits until there is a request, the end of a child, or both.
fn wait(channel: &Channel, children: &std::fs::File) -> io::Result<[bool; 2]> {
    let mut events =
        [channel.as_raw_fd(), children.as_raw_fd()].map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
    // SAFETY: the array is live and of the length it says.
    match checked(unsafe { libc::poll(events.as_mut_ptr(), events.len() as libc::nfds_t, -1) }) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        _ => Ok(events.map(|event| event.revents != 0)),
    }
}
