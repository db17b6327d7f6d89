//! A network namespace for tests: a thread that has one of its own, and does what it is given there.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

type Job = Box<dyn FnOnce() + Send>;

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Namespace {
    jobs: Sender<Job>,
}

impl Namespace {
    /// Makes a network namespace; says on stderr that a test is skipped where an ordinary user can have none.
    pub(crate) fn new() -> Option<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let (ready, outcome) = mpsc::channel();
        thread::spawn(move || {
            // SAFETY: unshare takes no pointers; it concerns only this thread.
            let result = unsafe { libc::unshare(libc::CLONE_NEWNET) };
            let refused = (result < 0).then(io::Error::last_os_error);
            ready.send(refused).ok();
            queue.into_iter().for_each(|job| job());
        });
        match outcome.recv() {
            Ok(None) => Some(Self { jobs }),
            refused => {
                // SAFETY: it takes nothing, and cannot fail.
                assert_ne!(unsafe { libc::geteuid() }, 0, "root can make no network namespace here: {refused:?}");
                eprintln!("SKIPPED: there can be no network namespace: {refused:?}");
                None
            }
        }
    }

    /// Begins a job and returns where its result will come.
    pub(crate) fn begin<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
        let (done, outcome) = mpsc::channel();
        self.jobs.send(Box::new(move || done.send(job()).unwrap_or_default())).expect("the thread runs");
        outcome
    }

    /// Does a job, and waits for it.
    pub(crate) fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        self.begin(job).recv_timeout(PATIENCE).expect("the job ends without a panic, in time")
    }
}
