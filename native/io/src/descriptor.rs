//! Descriptors that are known by their number only, as Python hands them over.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// Duplicates a descriptor, whose owner keeps it.
///
/// # Errors
/// When the number names no open descriptor, or there are too many.
pub fn duplicate(descriptor: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: fcntl takes no pointer here, and a number that names nothing is an error.
    let duplicate = unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, 0) };
    if duplicate < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(duplicate) })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn a_duplicate_outlives_the_original() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut duplicate = std::fs::File::from(duplicate(writer.as_raw_fd()).unwrap());
        drop(writer);
        duplicate.write_all(b"x").unwrap();
        drop(duplicate);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "x");
    }

    #[test]
    fn a_number_that_names_nothing_is_an_error() {
        assert_eq!(duplicate(-1).unwrap_err().raw_os_error(), Some(libc::EBADF));
    }
}
