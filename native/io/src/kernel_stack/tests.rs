//! A helper process for tests, and its end.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::*;

/// A helper and its network namespaces; the process ends with this.
pub(crate) struct Helper {
    pub namespaces: Arc<Namespaces>,
    process: Process,
}

struct Process(libc::pid_t);

impl Helper {
    /// Starts one; says on stderr that a test is skipped where an ordinary user can have none.
    pub async fn start() -> Option<Self> {
        match Self::start_with("/dev/net/tun").await {
            Ok(helper) => Some(helper),
            Err(refused) => {
                // SAFETY: it takes nothing, and cannot fail.
                assert_ne!(unsafe { libc::geteuid() }, 0, "root can have no helper here: {refused}");
                eprintln!("SKIPPED: there can be no helper: {refused}");
                None
            }
        }
    }

    async fn start_with(node: &str) -> Result<Self, NamespaceError> {
        let mut ends = [0; 2];
        let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
        // SAFETY: the array has room for the two descriptors, which are new and nobody else's.
        let [near, far] = unsafe {
            assert_eq!(libc::socketpair(libc::AF_UNIX, kind, 0, ends.as_mut_ptr()), 0);
            ends.map(|end| OwnedFd::from_raw_fd(end))
        };
        let arguments = [far.as_raw_fd().to_string(), node.to_owned()];
        // SAFETY: the child has this thread alone, and goes on with system calls and the allocator, which glibc makes
        // usable after a fork; it never returns.
        let process = unsafe {
            let process = libc::fork();
            if process == 0 {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                let own = far.as_raw_fd() as libc::c_uint;
                libc::close_range(3, own - 1, 0);
                libc::close_range(own + 1, libc::c_uint::MAX, 0);
                libc::_exit(main(&arguments));
            }
            process
        };
        assert!(process > 0, "{}", io::Error::last_os_error());
        drop(far);
        let process = Process(process);
        Ok(Self { namespaces: Namespaces::start(near, CString::new(node).unwrap()).await?, process })
    }

    /// Ends the process before its time.
    pub fn kill(&self) {
        self.process.kill();
    }
}

impl Process {
    fn kill(&self) {
        // SAFETY: kill takes numbers; the process is a child that was not waited for.
        unsafe { libc::kill(self.0, libc::SIGKILL) };
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        // SAFETY: waitpid may be given no place for the status.
        unsafe { libc::waitpid(self.0, std::ptr::null_mut(), 0) };
    }
}

#[tokio::test]
async fn what_the_system_refuses_is_told() {
    let refused = Helper::start_with("/dev/null/tun").await.err();
    assert!(refused.is_some_and(|error| matches!(error, NamespaceError::Refused(_))));
}
