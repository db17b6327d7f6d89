//! Puts the payload's file system together, out of the steps that the launching side planned.
//!
//! The new root becomes the root directory first, with the host's shown at `/mnt` meanwhile. So a target, even one
//! that leads over a symbolic link in somebody's image, never means a place of the host.

use std::env;
use std::ffi::{CStr, CString, OsStr};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::Path;

use super::failure::{Doing, Failure, Part};
use super::messages::{Root, Step};
use super::mount::{self, Access};

const HOST: &str = "/mnt";
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
const DEVICE_LINKS: [(&str, &str); 5] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/dev/ptmx", "pts/ptmx"),
];

pub fn build(mount_point: &CStr, root: &Root, steps: &[Step]) -> Result<(), Failure> {
    mount::keep_private().doing(Part::FileSystem, "keep mounts private")?;
    mount_root(mount_point, root).doing(Part::FileSystem, describe_root(mount_point, root))?;
    enter(mount_point).doing(Part::FileSystem, "change the root directory")?;
    for step in steps {
        take(step).doing(Part::FileSystem, format!("{step:?}"))?;
    }
    mount::detach(&at_host(c"")).doing(Part::FileSystem, "let go of the host's file system")
}

fn describe_root(mount_point: &CStr, root: &Root) -> String {
    let kind = match root {
        Root::Empty { .. } => "an empty root directory",
        Root::Layers { .. } => {
            "the task package under a writable layer (needs Linux 5.11, and a work directory that is not an overlay itself)"
        }
    };
    format!("mount {kind} at {}", path(mount_point).display())
}

fn mount_root(mount_point: &CStr, root: &Root) -> io::Result<()> {
    match root {
        Root::Empty { options } => mount::tmpfs(mount_point, options),
        Root::Layers { lower, upper, scratch } => overlay(mount_point, lower, upper, scratch),
    }
}

/// Mounts by descriptor numbers, because the characters `:` and `,` in a path would end it, and to stay short.
fn overlay(target: &CStr, lower: &[CString], upper: &CStr, scratch: &CStr) -> io::Result<()> {
    let opened = lower.iter().map(|directory| open_directory(directory)).collect::<io::Result<Vec<_>>>()?;
    let lower: Vec<_> = opened.iter().map(by_descriptor).collect();
    let (upper, scratch) = (open_directory(upper)?, open_directory(scratch)?);
    let options = format!(
        "lowerdir={},upperdir={},workdir={},userxattr",
        lower.join(":"),
        by_descriptor(&upper),
        by_descriptor(&scratch)
    );
    mount::overlay(target, &CString::new(options)?)
}

fn open_directory(directory: &CStr) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_PATH | libc::O_DIRECTORY).open(path(directory))
}

fn by_descriptor(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

fn enter(mount_point: &CStr) -> io::Result<()> {
    env::set_current_dir(path(mount_point))?;
    fs::create_dir_all(&HOST[1..])?;
    mount::pivot(&CString::new(&HOST[1..])?)?;
    env::set_current_dir("/")
}

fn take(step: &Step) -> io::Result<()> {
    match step {
        Step::Tmpfs { target, options } => {
            fs::create_dir_all(path(target))?;
            mount::tmpfs(target, options)
        }
        Step::Show { source, target } => show(&at_host(source), target, Access::ReadOnly),
        Step::Share { source, target } => show(&at_host(source), target, Access::ReadWrite),
        Step::Link { target, text } => symlink(path(text), path(target)),
        Step::Hide { target } => hide(target),
        Step::Processes => {
            fs::create_dir_all("/proc")?;
            mount::processes(c"/proc")
        }
        Step::System => system(),
        Step::Devices => devices(),
        Step::Seal => mount::seal(c"/"),
    }
}

fn show(source: &CStr, target: &CStr, access: Access) -> io::Result<()> {
    if fs::metadata(path(source))?.is_dir() {
        fs::create_dir_all(path(target))?;
    } else {
        touch(path(target))?;
    }
    mount::bind(source, target)?;
    mount::protect(target, access)
}

/// What can't be found or seen by this user needs no cover: the payload is no other user.
fn hide(target: &CStr) -> io::Result<()> {
    match fs::metadata(path(target)) {
        Ok(found) if found.is_dir() => mount::nothing(target),
        Ok(_) => mount::bind(&at_host(c"/dev/null"), target),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    }
}

/// Shows the devices of these namespaces only; the directory stays empty where a container around us forbids it.
fn system() -> io::Result<()> {
    fs::create_dir_all("/sys")?;
    match mount::system(c"/sys") {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        result => result,
    }
}

fn devices() -> io::Result<()> {
    fs::create_dir_all("/dev")?;
    mount::tmpfs(c"/dev", c"size=64k,mode=0755")?;
    for name in DEVICES {
        let target = CString::new(format!("/dev/{name}"))?;
        touch(path(&target))?;
        mount::bind(&at_host(&target), &target)?;
    }
    for (target, text) in DEVICE_LINKS {
        symlink(text, target)?;
    }
    fs::create_dir("/dev/pts")?;
    mount::terminals(c"/dev/pts")?;
    fs::create_dir("/dev/shm")?;
    mount::tmpfs(c"/dev/shm", c"mode=1777")
}

fn touch(file: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).open(file) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result.map(drop),
    }
}

fn at_host(source: &CStr) -> CString {
    let mut bytes = HOST.as_bytes().to_vec();
    bytes.extend_from_slice(source.to_bytes());
    CString::new(bytes).unwrap_or_default()
}

fn path(text: &CStr) -> &Path {
    Path::new(OsStr::from_bytes(text.to_bytes()))
}
