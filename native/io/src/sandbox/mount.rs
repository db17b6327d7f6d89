//! The mount system calls, each by what it is for.

use std::ffi::CStr;
use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use super::failure::checked;

/// What no mount of ours ever allows: device nodes and programs that change their user.
const PLAIN: libc::c_ulong = libc::MS_NOSUID | libc::MS_NODEV;

/// Keeps mounts made here from being seen in other namespaces.
pub fn keep_private() -> io::Result<()> {
    mount(c"none", c"/", None, libc::MS_REC | libc::MS_PRIVATE, None)
}

pub fn tmpfs(target: &CStr, options: &CStr) -> io::Result<()> {
    mount(c"tmpfs", target, Some(c"tmpfs"), PLAIN, Some(options))
}

/// Mounts an empty directory for good.
pub fn nothing(target: &CStr) -> io::Result<()> {
    mount(c"tmpfs", target, Some(c"tmpfs"), PLAIN | libc::MS_RDONLY | libc::MS_NOEXEC, Some(c"size=4k,mode=0555"))
}

pub fn overlay(target: &CStr, options: &CStr) -> io::Result<()> {
    mount(c"overlay", target, Some(c"overlay"), PLAIN, Some(options))
}

pub fn processes(target: &CStr) -> io::Result<()> {
    mount(c"proc", target, Some(c"proc"), PLAIN | libc::MS_NOEXEC, None)
}

pub fn system(target: &CStr) -> io::Result<()> {
    mount(c"sysfs", target, Some(c"sysfs"), PLAIN | libc::MS_NOEXEC | libc::MS_RDONLY, None)
}

pub fn terminals(target: &CStr, options: &CStr) -> io::Result<()> {
    mount(c"devpts", target, Some(c"devpts"), libc::MS_NOSUID | libc::MS_NOEXEC, Some(options))
}

/// Shows a file or a directory, with what is mounted in it, at a second place.
pub fn bind(source: &CStr, target: &CStr) -> io::Result<()> {
    mount(source, target, None, libc::MS_BIND | libc::MS_REC, None)
}

/// Which protection `protect` adds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    ReadOnly,
    ReadWrite,
}

/// Adds protection to a mount and, if it has any, to the mounts in it. Nothing is taken away.
pub fn protect(target: &CStr, access: Access) -> io::Result<()> {
    let read_only = if access == Access::ReadOnly { libc::MOUNT_ATTR_RDONLY } else { 0 };
    set_attributes(target, libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | read_only, libc::AT_RECURSIVE)
}

/// Makes one mount read-only, but not those in it.
pub fn seal(target: &CStr) -> io::Result<()> {
    set_attributes(target, libc::MOUNT_ATTR_RDONLY, 0)
}

/// Makes a view of a directory, mounted nowhere yet, in which the owners' numbers are those inside a user namespace.
pub fn translate(directory: &CStr, namespace: impl AsFd) -> io::Result<OwnedFd> {
    let flags = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC;
    // SAFETY: a string of the C kind, which the call only reads; the descriptor is new and nobody else's.
    let view = unsafe {
        let view = checked(libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, directory.as_ptr(), flags))?;
        OwnedFd::from_raw_fd(view as RawFd)
    };
    // SAFETY: mount_attr is a plain C structure, for which all zeros is "no change".
    let mut change: libc::mount_attr = unsafe { mem::zeroed() };
    change.attr_set =
        libc::MOUNT_ATTR_IDMAP | libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
    change.propagation = libc::MS_PRIVATE;
    change.userns_fd = namespace.as_fd().as_raw_fd() as u64;
    alter(view.as_raw_fd(), c"", libc::AT_EMPTY_PATH, &change)?;
    Ok(view)
}

/// Mounts such a view.
pub fn attach(view: &OwnedFd, target: &CStr) -> io::Result<()> {
    // SAFETY: strings of the C kind, which the call only reads.
    checked(unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            view.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_FDCWD,
            target.as_ptr(),
            libc::MOVE_MOUNT_F_EMPTY_PATH,
        )
    })?;
    Ok(())
}

/// Makes the current directory the root directory, and shows the old one at `old_root`.
pub fn pivot(old_root: &CStr) -> io::Result<()> {
    // SAFETY: both are strings of the C kind, which the call only reads.
    checked(unsafe { libc::syscall(libc::SYS_pivot_root, c".".as_ptr(), old_root.as_ptr()) })?;
    Ok(())
}

/// Takes a mount and all in it out of sight.
pub fn detach(target: &CStr) -> io::Result<()> {
    // SAFETY: a string of the C kind, which the call only reads.
    checked(unsafe { libc::umount2(target.as_ptr(), libc::MNT_DETACH) })?;
    Ok(())
}

fn mount(
    source: &CStr,
    target: &CStr,
    kind: Option<&CStr>,
    flags: libc::c_ulong,
    options: Option<&CStr>,
) -> io::Result<()> {
    let kind = kind.map_or(ptr::null(), CStr::as_ptr);
    let options = options.map_or(ptr::null(), CStr::as_ptr);
    // SAFETY: strings of the C kind or null, which the call only reads.
    checked(unsafe { libc::mount(source.as_ptr(), target.as_ptr(), kind, flags, options.cast()) })?;
    Ok(())
}

fn set_attributes(target: &CStr, attributes: u64, flags: libc::c_int) -> io::Result<()> {
    // SAFETY: mount_attr is a plain C structure, for which all zeros is "no change".
    let mut change: libc::mount_attr = unsafe { mem::zeroed() };
    change.attr_set = attributes;
    alter(libc::AT_FDCWD, target, flags, &change)
}

fn alter(directory: RawFd, target: &CStr, flags: libc::c_int, change: &libc::mount_attr) -> io::Result<()> {
    let size = mem::size_of::<libc::mount_attr>();
    // SAFETY: a string of the C kind and a live structure with its size, which the call only reads.
    checked(unsafe { libc::syscall(libc::SYS_mount_setattr, directory, target.as_ptr(), flags, change, size) })?;
    Ok(())
}
