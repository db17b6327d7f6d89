//! Makes the namespaces, with a first process inside.

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr;

use super::channel::Channel;
use super::failure::{Doing, Failure, Part, checked};
use super::messages::Users;
use super::mount;

/// The user and the group that payloads are inside, where they are guests.
///
/// Not 0: servers that believe to be root try to change to another user, or to confine a child by `chroot`, and give up
/// when they may not; as anyone else they run as who they are.
pub const PAYLOAD_ID: u32 = 1000;

const NAMESPACES: libc::c_int = libc::CLONE_NEWUSER
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;

const VIEW: &[u8] = b"view";
const OPEN: &[u8] = b"open";

/// Which of the two processes this one is after `enter`.
pub enum Side {
    Outside {
        first: libc::pid_t,
    },
    /// With the views that were asked for.
    Inside {
        views: Vec<OwnedFd>,
    },
}

/// Starts a copy of this process as the first one in new namespaces, in which it has every capability.
///
/// It is given a view of each of the directories, translated to the users inside. The process must have one thread only.
pub fn enter(users: &Users, directories: &[CString]) -> Result<Side, Failure> {
    let (gate, opener) = Channel::pair().doing(Part::Namespaces, "make a pair of sockets")?;
    // SAFETY: without a stack of its own the child goes on on a copy of this one, as after a fork; no other
    // thread is there that could hold a lock.
    let process = unsafe {
        libc::syscall(
            libc::SYS_clone,
            libc::c_long::from(NAMESPACES | libc::SIGCHLD),
            ptr::null_mut::<libc::c_void>(),
            ptr::null_mut::<libc::c_void>(),
            ptr::null_mut::<libc::c_void>(),
            0_u64,
        )
    };
    match checked(process).doing(Part::Namespaces, "make namespaces")? {
        0 => {
            drop(opener);
            Ok(Side::Inside { views: pass(&gate)? })
        }
        first => {
            write_maps(first, users)?;
            hand_over_views(first, directories, &opener)?;
            opener.send(OPEN, &[]).doing(Part::Namespaces, "let the first process go on")?;
            Ok(Side::Outside { first: first as libc::pid_t })
        }
    }
}

/// Waits until the namespaces are as they should be.
fn pass(gate: &Channel) -> Result<Vec<OwnedFd>, Failure> {
    let mut views = Vec::new();
    loop {
        match gate.receive().doing(Part::Namespaces, "wait for the user map")? {
            Some(packet) if packet.bytes == OPEN => return Ok(views),
            Some(packet) => views.extend(packet.descriptors),
            // SAFETY: ends this process at once. The outer one failed, and says why.
            None => unsafe { libc::_exit(1) },
        }
    }
}

fn hand_over_views(process: libc::c_long, directories: &[CString], opener: &Channel) -> Result<(), Failure> {
    for directory in directories {
        let namespace = File::open(format!("/proc/{process}/ns/user"));
        let view = namespace
            .and_then(|namespace| mount::translate(directory, namespace))
            .doing(Part::Layers, format!("show {} to other users", directory.to_string_lossy()))?;
        opener.send(VIEW, &[view.as_fd()]).doing(Part::Namespaces, "hand over a view")?;
    }
    Ok(())
}

/// Opens the namespaces of users and of mounts that this process is in: who has them can enter, as far as it may.
///
/// They can't be found later from outside, where the process keeps its memory from others.
pub fn of_files() -> Result<[OwnedFd; 2], Failure> {
    let open = |name: &str| {
        let path = format!("/proc/self/ns/{name}");
        File::open(&path).map(OwnedFd::from).doing(Part::Namespaces, format!("open {path}"))
    };
    Ok([open("user")?, open("mnt")?])
}

/// Has the kernel kill this process when its parent dies.
///
/// A change of user or of capabilities takes this back, so it is to be called after one, too.
pub fn die_with_parent() -> Result<(), Failure> {
    // SAFETY: this option takes a number and touches no memory of ours.
    checked(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) })
        .doing(Part::Namespaces, "tie this process to its parent")?;
    Ok(())
}

/// Waits for a child's end and gives its exit code, or 128 + the signal.
pub fn wait_for(process: libc::pid_t) -> io::Result<i32> {
    loop {
        let mut status = 0;
        // SAFETY: the status is a live number.
        match checked(unsafe { libc::waitpid(process, &mut status, 0) }) {
            Ok(_) => return Ok(exit_code(status)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Reads what `waitpid` tells in the way of a shell.
pub fn exit_code(status: i32) -> i32 {
    if libc::WIFSIGNALED(status) { 128 + libc::WTERMSIG(status) } else { libc::WEXITSTATUS(status) }
}

fn write_maps(process: libc::c_long, users: &Users) -> Result<(), Failure> {
    let write = |file: &str, text: &str| {
        let path = format!("/proc/{process}/{file}");
        fs::write(&path, text).doing(Part::Namespaces, format!("write {text:?} to {path}"))
    };
    write("uid_map", &users.user_map)?;
    if !users.may_drop_groups {
        write("setgroups", "deny")?;
    }
    write("gid_map", &users.group_map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ends_like_a_shell() {
        assert_eq!(exit_code(0), 0);
        assert_eq!(exit_code(3 << 8), 3);
        assert_eq!(exit_code(libc::SIGKILL), 137);
    }
}
