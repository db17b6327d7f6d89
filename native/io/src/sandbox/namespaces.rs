//! Makes the namespaces, with a first process inside.

use std::fs;
use std::io::{self, Read, Write};
use std::ptr;

use super::failure::{Doing, Failure, Part, checked};
use super::messages::Users;

/// The user and the group that payloads are, inside.
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

/// Which of the two processes this one is after `enter`.
pub enum Side {
    Outside { first: libc::pid_t },
    Inside,
}

/// Starts a copy of this process as the first one in new namespaces, in which it has every capability.
///
/// The process must have one thread only.
pub fn enter(users: &Users) -> Result<Side, Failure> {
    let (mut gate, opener) = io::pipe().doing(Part::Namespaces, "make a pipe")?;
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
            gate.read_exact(&mut [0]).doing(Part::Namespaces, "wait for the user map")?;
            Ok(Side::Inside)
        }
        first => {
            let mut opener = opener;
            write_maps(first, users)?;
            opener.write_all(&[1]).doing(Part::Namespaces, "let the first process go on")?;
            Ok(Side::Outside { first: first as libc::pid_t })
        }
    }
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
