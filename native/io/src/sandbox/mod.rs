//! The surroundings of one activity's payloads: namespaces of their own, made and kept by two small processes.
//!
//! The *outer* process is started by the daemon, with one end of a socket pair. It clones itself into new namespaces
//! and from then on only waits. The copy inside is their process 1, the *service*: it makes the network interface and
//! sends its descriptor and those of the namespaces out, puts the file system together, gives up what it does not need any more, and then starts
//! programs as the daemon asks.
//!
//! Nothing is left behind, whoever dies: with process 1 the kernel kills all that runs in the namespaces. The service
//! ends when the daemon's end of the socket pair closes, and each of the processes is killed when its parent dies.

pub(crate) mod channel;
pub(crate) mod failure;
mod filesystem;
pub(crate) mod interface;
pub(crate) mod messages;
mod mount;
mod namespaces;
mod payload;
mod privileges;
mod seccomp;
mod service;
pub(crate) mod wire;

use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};

use channel::Channel;
use failure::{Doing, Failure, Part};
use interface::Controls;
use messages::{Reply, Setup};
use namespaces::Side;

/// Runs the outer process; the arguments are the number of the control socket's descriptor and the parent's process id.
///
/// To be called in a process of one thread, which ends with the result as its exit code.
pub fn main(arguments: &[String]) -> i32 {
    let numbers: Vec<i32> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let [descriptor, parent] = numbers[..] else {
        return 2;
    };
    // SAFETY: the launching side passes this descriptor for our use alone.
    let channel = Channel::new(unsafe { OwnedFd::from_raw_fd(descriptor) });
    hold(channel, parent).unwrap_or(1)
}

fn hold(channel: Channel, parent: libc::pid_t) -> Result<i32, Failure> {
    namespaces::die_with_parent()?;
    // SAFETY: getppid only asks.
    if unsafe { libc::getppid() } != parent {
        return Ok(0);
    }
    let Some(packet) = channel.receive().doing(Part::Control, "receive the set-up")? else {
        return Ok(0);
    };
    let entered = Setup::decode(&packet.bytes).map_err(io::Error::other).doing(Part::Control, "read the set-up");
    match entered.and_then(|setup| Ok((namespaces::enter(&setup.users, setup.root.translated())?, setup))) {
        Ok((Side::Inside { views }, setup)) => {
            let code = i32::from(inside(channel, &setup, &views).is_err());
            // SAFETY: ends this process at once, and with it the namespaces; there is nothing to clean up after.
            unsafe { libc::_exit(code) }
        }
        Ok((Side::Outside { first }, _)) => {
            drop(channel);
            namespaces::wait_for(first).doing(Part::Namespaces, "wait for the first process")
        }
        Err(failure) => tell(&channel, failure),
    }
}

/// The life of process 1.
fn inside(channel: Channel, setup: &Setup, views: &[OwnedFd]) -> Result<(), Failure> {
    namespaces::die_with_parent()?;
    let controls = match prepare(setup, views) {
        Ok((descriptors, controls)) => {
            let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
            channel.send(&Reply::Ready.encode(), &descriptors).doing(Part::Control, "report the set-up")?;
            controls
        }
        Err(failure) => return tell(&channel, failure),
    };
    service::serve(&channel, setup, &controls)
}

/// Gives the descriptors for the daemon: of the interface, if there is one, and of the namespaces.
fn prepare(setup: &Setup, views: &[OwnedFd]) -> Result<(Vec<OwnedFd>, Controls), Failure> {
    let spaces = namespaces::of_files()?;
    let device = setup.device.as_ref().map(interface::create).transpose()?;
    filesystem::build(setup, views)?;
    let controls = Controls::open()?;
    interface::configure(setup.device.as_ref(), &setup.users, &controls)?;
    privileges::name_host(&setup.hostname)?;
    privileges::forbid_user_namespaces()?;
    filesystem::protect_controls()?;
    privileges::keep_what_is_needed(&setup.users, setup.limits)?;
    namespaces::die_with_parent()?;
    Ok((device.into_iter().chain(spaces).collect(), controls))
}

fn tell<T>(channel: &Channel, failure: Failure) -> Result<T, Failure> {
    channel.send(&Reply::Failed(&failure).encode(), &[]).doing(Part::Control, "report a failure")?;
    Err(failure)
}
