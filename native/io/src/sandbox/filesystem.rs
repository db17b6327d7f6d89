//! Puts the payload's file system together, out of the steps that the launching side planned.
//!
//! The new root becomes the root directory first, with the host's shown at `/mnt` meanwhile. So a target, even one
//! that leads over a symbolic link in somebody's image, never means a place of the host.
//!
//! Where payloads are root, this process becomes what they are before it makes anything, so that all is theirs. The
//! host's directories may be closed to that user, and are opened before.

use std::collections::HashMap;
use std::env;
use std::ffi::{CStr, CString, OsStr};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::Path;

use super::failure::{Doing, Failure, Part};
use super::messages::{Root, Setup, Standing, Step};
use super::mount::{self, Access};
use super::privileges;

const HOST: &str = "/mnt";
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
const DEVICE_LINKS: [(&str, &str); 5] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/dev/ptmx", "pts/ptmx"),
];

/// Puts all together; `views` are what the host's side made of the root's translated layers.
pub fn build(setup: &Setup, views: &[OwnedFd]) -> Result<(), Failure> {
    mount::keep_private().doing(Part::FileSystem, "keep mounts private")?;
    for (view, layer) in views.iter().zip(setup.root.translated()) {
        mount::attach(view, layer).doing(Part::Layers, "put a view in its directory's place")?;
    }
    let sources = Sources::open(&setup.root, &setup.steps)?;
    let mount_point = path(&setup.mount_point);
    let name = begin_at(mount_point).doing(Part::FileSystem, format!("reach {}", mount_point.display()))?;
    if setup.users.standing != Standing::Guest {
        privileges::become_root(setup.users.may_drop_groups)?;
    }
    mount_root(&name, &setup.root, &sources)?;
    enter(&name).doing(Part::FileSystem, "change the root directory")?;
    for step in &setup.steps {
        take(step, &sources).doing(Part::FileSystem, format!("{step:?}"))?;
    }
    mount::detach(&at_host(c"")).doing(Part::FileSystem, "let go of the host's file system")
}

/// Keeps payloads from changing the kernel's settings of these namespaces, some of which belong to their root.
pub fn protect_controls() -> Result<(), Failure> {
    mount::bind(c"/proc/sys", c"/proc/sys")
        .and_then(|()| mount::protect(c"/proc/sys", Access::ReadOnly))
        .doing(Part::FileSystem, "protect /proc/sys")
}

/// What is taken from the host, opened by who may.
struct Sources(HashMap<CString, File>);

impl Sources {
    fn open(root: &Root, steps: &[Step]) -> Result<Self, Failure> {
        let mut wanted: Vec<&CString> = match root {
            Root::Empty { .. } => Vec::new(),
            Root::Layers { lower, upper, scratch, .. } => lower.iter().chain([upper, scratch]).collect(),
            Root::Directory { source } => vec![source],
        };
        wanted.extend(steps.iter().filter_map(|step| match step {
            Step::Show { source, .. } | Step::Share { source, .. } => Some(source),
            _ => None,
        }));
        let open = |source: &CString| OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(path(source));
        let opened = wanted.into_iter().map(|source| {
            let file = open(source).doing(Part::FileSystem, format!("open {}", path(source).display()))?;
            Ok((source.clone(), file))
        });
        Ok(Self(opened.collect::<Result<_, Failure>>()?))
    }

    /// Names a source by its descriptor, which leads there past directories that are closed.
    fn name(&self, source: &CStr) -> String {
        format!("/proc/self/fd/{}", self.0.get(source).map_or(-1, AsRawFd::as_raw_fd))
    }

    /// Names it once the host is where it is in the end.
    fn name_at_host(&self, source: &CStr) -> CString {
        at_host(&CString::new(self.name(source)).unwrap_or_default())
    }
}

/// Makes the directory around the mount point the current one, and gives the name of the mount point in it.
fn begin_at(mount_point: &Path) -> io::Result<CString> {
    let (Some(parent), Some(name)) = (mount_point.parent(), mount_point.file_name()) else {
        return Err(io::Error::from_raw_os_error(libc::ENOTDIR));
    };
    env::set_current_dir(parent)?;
    Ok(CString::new(name.as_bytes())?)
}

fn mount_root(name: &CStr, root: &Root, sources: &Sources) -> Result<(), Failure> {
    match root {
        Root::Empty { options } => mount::tmpfs(name, options).doing(Part::FileSystem, "mount an empty root directory"),
        Root::Layers { lower, upper, scratch, .. } => overlay(name, lower, upper, scratch, sources)
            .doing(Part::Layers, "mount the task package under a writable layer"),
        Root::Directory { source } => CString::new(sources.name(source))
            .map_err(io::Error::from)
            .and_then(|source| mount::bind(&source, name))
            .and_then(|()| mount::protect(name, Access::ReadWrite))
            .doing(Part::FileSystem, "mount the root directory"),
    }
}

/// Mounts by descriptor numbers, also because the characters `:` and `,` in a path would end it, and to stay short.
fn overlay(target: &CStr, lower: &[CString], upper: &CStr, scratch: &CStr, sources: &Sources) -> io::Result<()> {
    let lower: Vec<_> = lower.iter().map(|layer| sources.name(layer)).collect();
    let (upper, scratch) = (sources.name(upper), sources.name(scratch));
    let options = format!("lowerdir={},upperdir={upper},workdir={scratch},userxattr", lower.join(":"));
    mount::overlay(target, &CString::new(options)?)
}

fn enter(name: &CStr) -> io::Result<()> {
    env::set_current_dir(path(name))?;
    fs::create_dir_all(&HOST[1..])?;
    mount::pivot(&CString::new(&HOST[1..])?)?;
    env::set_current_dir("/")
}

fn take(step: &Step, sources: &Sources) -> io::Result<()> {
    match step {
        Step::Tmpfs { target, options } => {
            fs::create_dir_all(path(target))?;
            refuse_links(target)?;
            mount::tmpfs(target, options)
        }
        Step::Show { source, target } => show(&sources.name_at_host(source), target, Access::ReadOnly),
        Step::Share { source, target } => show(&sources.name_at_host(source), target, Access::ReadWrite),
        Step::Link { target, text } => symlink(path(text), path(target)),
        Step::Hide { target } => hide(target),
        Step::Processes => {
            fs::create_dir_all("/proc")?;
            mount::processes(c"/proc")
        }
        Step::System => system(),
        Step::Devices { terminals, memory } => devices(terminals, memory),
        Step::Seal => mount::seal(c"/"),
    }
}

fn show(source: &CStr, target: &CStr, access: Access) -> io::Result<()> {
    if fs::metadata(path(source))?.is_dir() {
        fs::create_dir_all(path(target))?;
    } else {
        touch(path(target))?;
    }
    refuse_links(target)?;
    mount::bind(source, target)?;
    mount::protect(target, access)
}

/// Keeps a link in somebody's image from putting a directory of theirs over one of ours, such as the kernel's settings.
fn refuse_links(target: &CStr) -> io::Result<()> {
    let found = fs::canonicalize(path(target))?;
    if found == path(target) { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::ELOOP)) }
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

fn devices(terminals: &CStr, memory: &CStr) -> io::Result<()> {
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
    mount::terminals(c"/dev/pts", terminals)?;
    fs::create_dir("/dev/shm")?;
    mount::tmpfs(c"/dev/shm", memory)
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
