//! Starts one program in the namespaces, with the power of its standing and no more.

use std::ffi::{CStr, CString};
use std::io::{self, Write};
use std::mem;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr;

use super::failure::checked;
use super::messages::{Command, Standing};
use super::privileges;
use super::seccomp::Filter;

const NOT_EXECUTABLE: i32 = 126;
const NOT_FOUND: i32 = 127;
const HIGHEST_SIGNAL: libc::c_int = 64;

/// Forks a child that becomes the program; gives its process id, which is its process group's, too.
///
/// What goes wrong in the child is written to the program's standard error, as a shell does.
pub fn spawn(
    command: &Command,
    streams: &[OwnedFd; 3],
    standing: Standing,
    filter: &Filter,
) -> io::Result<libc::pid_t> {
    // SAFETY: this process has one thread, so the child may do anything the parent could.
    match checked(unsafe { libc::fork() })? {
        0 => {
            let code = become_program(command, streams, standing, filter);
            // SAFETY: ends the child at once; what it shares with the parent stays as it is.
            unsafe { libc::_exit(code) }
        }
        child => Ok(child),
    }
}

/// Does not return unless it fails.
fn become_program(command: &Command, streams: &[OwnedFd; 3], standing: Standing, filter: &Filter) -> i32 {
    if let Err(error) = prepare(streams, standing, filter) {
        return complain("cannot give up privileges", &error, NOT_EXECUTABLE);
    }
    // SAFETY: a string of the C kind, which the call only reads.
    if let Err(error) = checked(unsafe { libc::chdir(command.directory.as_ptr()) }) {
        let what = format!("cannot change to {}", command.directory.to_string_lossy());
        return complain(&what, &error, NOT_EXECUTABLE);
    }
    let error = execute(command);
    let code = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE };
    complain(&format!("cannot run {}", command.program.to_string_lossy()), &error, code)
}

fn prepare(streams: &[OwnedFd; 3], standing: Standing, filter: &Filter) -> io::Result<()> {
    default_signals()?;
    // SAFETY: the calls take numbers; the descriptors are open, and those closed are used by nobody any more.
    unsafe {
        // A group for signals, but no session: led by a child of process 1, that is how servers know that their init has
        // made a daemon of them already, and then they stay in the foreground.
        checked(libc::setpgid(0, 0))?;
        for (target, stream) in (0..).zip(streams) {
            checked(libc::dup2(stream.as_raw_fd(), target))?;
        }
        checked(libc::close_range(3, libc::c_uint::MAX, 0))?;
    }
    privileges::keep_what_is_the_payloads(standing)?;
    filter.apply()
}

/// Undoes what the service, and the interpreter that it runs in, have changed.
fn default_signals() -> io::Result<()> {
    // SAFETY: the set is live; handlers are set to the default one only. The few signals that can't be set stay as they are.
    unsafe {
        for signal in 1..=HIGHEST_SIGNAL {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut none = mem::zeroed();
        checked(libc::sigemptyset(&mut none))?;
        checked(libc::sigprocmask(libc::SIG_SETMASK, &none, ptr::null_mut()))?;
    }
    Ok(())
}

/// Tries the program's places one after the other; returns only with the error that tells most.
fn execute(command: &Command) -> io::Error {
    let arguments = pointers([&command.program].into_iter().chain(&command.arguments));
    let environment = pointers(&command.environment);
    let mut told = io::Error::from_raw_os_error(libc::ENOENT);
    for candidate in candidates(&command.program, &command.environment) {
        // SAFETY: the strings are of the C kind and outlive the call; both lists end with a null pointer.
        unsafe { libc::execve(candidate.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
        let error = io::Error::last_os_error();
        if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
            told = error;
        }
    }
    told
}

fn pointers<'a>(strings: impl IntoIterator<Item = &'a CString>) -> Vec<*const libc::c_char> {
    strings.into_iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect()
}

/// Where the program may be: as named if there is a slash in the name, else in the places that `PATH` tells.
fn candidates(program: &CStr, environment: &[CString]) -> Vec<CString> {
    let name = program.to_bytes();
    if name.contains(&b'/') {
        return vec![program.to_owned()];
    }
    let path = environment.iter().find_map(|variable| variable.to_bytes().strip_prefix(b"PATH="));
    path.unwrap_or_default()
        .split(|byte| *byte == b':')
        .filter(|directory| !directory.is_empty() && !name.is_empty())
        .filter_map(|directory| CString::new([directory, b"/", name].concat()).ok())
        .collect()
}

fn complain(what: &str, error: &io::Error, code: i32) -> i32 {
    // If nobody reads the standard error, the exit code has to do.
    let _ = writeln!(io::stderr(), "{what}: {error}");
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_for_names_in_the_path_of_the_command() {
        let environment = [c"HOME=/".to_owned(), c"PATH=/usr/bin::/bin".to_owned()];
        assert_eq!(candidates(c"ls", &environment), [c"/usr/bin/ls".to_owned(), c"/bin/ls".to_owned()]);
        assert_eq!(candidates(c"./ls", &environment), [c"./ls".to_owned()]);
        assert!(candidates(c"", &environment).is_empty());
        assert!(candidates(c"ls", &[]).is_empty());
    }
}
