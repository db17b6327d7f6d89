//! Random bytes for keys.

use std::io;

/// Fills `bytes` with random bytes of the kernel's, waiting only while the machine has just started.
///
/// # Panics
/// When the kernel has no randomness to give (it has none of `getrandom`): keys can't be made then.
pub(crate) fn fill(mut bytes: &mut [u8]) {
    while !bytes.is_empty() {
        // SAFETY: the pointer and the length describe `bytes`.
        let filled = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
        match usize::try_from(filled) {
            Ok(filled) => bytes = &mut bytes[filled..],
            Err(_) => {
                let error = io::Error::last_os_error();
                assert_eq!(error.kind(), io::ErrorKind::Interrupted, "no random bytes: {error}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn bytes_differ() {
        let mut both = [[0; 300]; 2];
        both.iter_mut().for_each(|bytes| super::fill(bytes));
        assert_ne!(both[0], both[1]);
        assert_ne!(both[0][256..], [0; 44]);
    }
}
