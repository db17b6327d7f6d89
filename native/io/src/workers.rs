//! Threads beside the packet thread, for work that needs no rules and takes long. Results come back in the order in
//! which the work was handed over, so nothing overtakes; and as each piece of work is owned by one thread at a time,
//! nobody waits for a lock.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot::{self, error::TryRecvError};

const THREAD_NAME: &str = "golem-vpn-work";

type Job = Box<dyn FnOnce() + Send>;

/// Threads that take work in turns.
pub struct Workers {
    threads: Vec<Worker>,
    next: usize,
    jobs: u64,
}

struct Worker {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// Work of one kind, in order.
pub struct Lane<T> {
    slots: VecDeque<Slot<T>>,
    most: usize,
    tell: Arc<dyn Fn() + Send + Sync>,
}

enum Slot<T> {
    Done(T),
    UnderWay(oneshot::Receiver<T>),
}

impl Workers {
    /// # Errors
    /// When the process is out of threads.
    pub fn start(count: usize) -> io::Result<Self> {
        let threads = (0..count).map(|_| Worker::start()).collect::<io::Result<_>>()?;
        Ok(Self { threads, next: 0, jobs: 0 })
    }

    pub fn count(&self) -> usize {
        self.threads.len()
    }

    /// Pieces of work that were handed over so far.
    pub fn jobs(&self) -> u64 {
        self.jobs
    }

    /// Has the next thread do a job; without one it is done here.
    fn give(&mut self, job: Job) {
        self.next = (self.next + 1) % self.threads.len().max(1);
        self.jobs += 1;
        let refused = match self.threads.get(self.next).and_then(|worker| worker.jobs.as_ref()) {
            Some(jobs) => jobs.send(job).err().map(|refused| refused.0),
            None => Some(job),
        };
        refused.into_iter().for_each(|job| job());
    }
}

impl Worker {
    fn start() -> io::Result<Self> {
        let (jobs, received): (Sender<Job>, Receiver<Job>) = channel();
        let work = move || received.into_iter().for_each(|job| job());
        let thread = thread::Builder::new().name(THREAD_NAME.to_owned()).spawn(work)?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was told when it happened.
            thread.join().ok();
        }
    }
}

impl<T: Send + 'static> Lane<T> {
    /// Work is welcome while less than `most` is under way or was not fetched. `tell` is called whenever some is done.
    pub fn new(most: usize, tell: impl Fn() + Send + Sync + 'static) -> Self {
        Self { slots: VecDeque::new(), most, tell: Arc::new(tell) }
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Whether more work is welcome.
    pub fn has_room(&self) -> bool {
        self.slots.len() < self.most
    }

    /// Hands work over.
    pub fn hand_over(&mut self, workers: &mut Workers, work: impl FnOnce() -> T + Send + 'static) {
        let (done, result) = oneshot::channel();
        let tell = self.tell.clone();
        self.slots.push_back(Slot::UnderWay(result));
        workers.give(Box::new(move || {
            done.send(work()).ok();
            tell();
        }));
    }

    /// Takes a result that is known already, for its place in the order.
    pub fn append(&mut self, result: T) {
        self.slots.push_back(Slot::Done(result));
    }

    /// Whether the oldest work is done.
    pub fn is_ready(&mut self) -> bool {
        while let Some(Slot::UnderWay(result)) = self.slots.front_mut() {
            match result.try_recv() {
                Ok(result) => self.slots[0] = Slot::Done(result),
                Err(TryRecvError::Empty) => return false,
                // Its thread has panicked, which was told when it happened.
                Err(TryRecvError::Closed) => drop(self.slots.pop_front()),
            }
        }
        !self.slots.is_empty()
    }

    /// The result of the oldest work, if it is done.
    pub fn pop(&mut self) -> Option<T> {
        let done = self.is_ready().then(|| self.slots.pop_front()).flatten();
        done.and_then(|slot| if let Slot::Done(result) = slot { Some(result) } else { None })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;
    use std::time::Duration;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);
    const MOST_SLOTS: usize = 9;

    fn lane<T: Send + 'static>() -> Lane<T> {
        Lane::new(MOST_SLOTS, || {})
    }

    #[test]
    fn results_come_in_the_order_of_their_work() {
        let (mut workers, mut lane) = (Workers::start(3).unwrap(), lane());
        let (go, wait) = sync_channel(0);
        lane.hand_over(&mut workers, move || wait.recv_timeout(PATIENCE).map(|()| 0).unwrap());
        (1..8).for_each(|number| lane.hand_over(&mut workers, move || number));
        lane.append(8);
        assert_eq!(lane.pop(), None, "the first is not done");
        go.send(()).unwrap();
        let mut results = Vec::new();
        while !lane.is_empty() {
            results.extend(lane.pop());
        }
        assert_eq!(results, (0..9).collect::<Vec<_>>());
    }

    #[test]
    fn work_is_done_even_where_there_are_no_threads() {
        let (mut workers, mut lane) = (Workers::start(0).unwrap(), lane());
        lane.hand_over(&mut workers, || 7);
        assert_eq!((workers.count(), lane.pop(), lane.is_empty()), (0, Some(7), true));
    }

    #[test]
    fn a_thread_that_panics_takes_only_its_own_work_along() {
        let (mut workers, mut lane) = (Workers::start(1).unwrap(), lane());
        lane.hand_over(&mut workers, || panic!("this panic belongs to a test"));
        workers.threads[0].thread.take().unwrap().join().unwrap_err();
        lane.hand_over(&mut workers, || 7);
        assert_eq!((lane.pop(), lane.is_empty()), (Some(7), true));
    }

    #[test]
    fn room_is_bounded() {
        let mut lane = lane();
        (0..MOST_SLOTS).for_each(|_| {
            assert!(lane.has_room());
            lane.append(());
        });
        assert!(!lane.has_room());
        lane.pop();
        assert!(lane.has_room());
    }
}
