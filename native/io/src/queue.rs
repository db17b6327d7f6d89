//! A device whose other end is a queue of whole IP packets, in memory: how the user-space stack and tests attach.
//! Both directions are bounded; what does not fit is refused to the user, and dropped and counted by the engine.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::Notify;
use tokio::sync::mpsc::{self, error::TrySendError};

use crate::poll::Bell;

/// Makes a queue device that holds up to `capacity` packets in each direction.
pub fn queue_device(capacity: usize) -> (QueueEnd, PacketQueue) {
    let (to_engine, from_user) = mpsc::channel(capacity);
    let (to_user, from_engine) = mpsc::channel(capacity);
    let signals = Arc::new(Signals::default());
    let end = QueueEnd { packets: from_user, to_user, signals: signals.clone() };
    (end, PacketQueue { packets: Mutex::new(from_engine), to_engine, signals })
}

/// The engine's end of a queue device.
#[derive(Debug)]
pub struct QueueEnd {
    packets: mpsc::Receiver<Vec<u8>>,
    to_user: mpsc::Sender<Vec<u8>>,
    signals: Arc<Signals>,
}

/// The user's end of a queue device.
#[derive(Debug)]
pub struct PacketQueue {
    packets: Mutex<mpsc::Receiver<Vec<u8>>>,
    to_engine: mpsc::Sender<Vec<u8>>,
    signals: Arc<Signals>,
}

#[derive(Debug, Default)]
struct Signals {
    /// Wakes the engine; there is none before the engine has taken its end.
    engine: OnceLock<Arc<Bell>>,
    user: Notify,
    /// Whether one of the ends is gone.
    closed: AtomicBool,
    dropped: AtomicU64,
}

impl PacketQueue {
    /// Gives a packet to the engine.
    ///
    /// # Errors
    /// Returns the packet when the queue is full or closed.
    pub fn try_send(&self, packet: Vec<u8>) -> Result<(), Vec<u8>> {
        self.to_engine.try_send(packet).map_err(TrySendError::into_inner)?;
        self.signals.wake_engine();
        Ok(())
    }

    /// Takes the next packet from the engine, if there is one.
    pub fn try_recv(&self) -> Option<Vec<u8>> {
        self.packets.lock().unwrap_or_else(PoisonError::into_inner).try_recv().ok()
    }

    /// Waits until there is a packet to take or the queue is closed; for one task at a time.
    pub async fn readable(&self) {
        while self.packets.lock().unwrap_or_else(PoisonError::into_inner).is_empty() && !self.is_closed() {
            self.signals.user.notified().await;
        }
    }

    /// Waits until there is room for a packet or the queue is closed.
    pub async fn writable(&self) {
        let _room_or_closed = self.to_engine.reserve().await;
    }

    /// Whether the engine has let go of its end. Packets it gave before can still be taken.
    pub fn is_closed(&self) -> bool {
        self.signals.closed.load(Ordering::Acquire)
    }

    /// How many packets for the user were dropped because it was slow to take them.
    pub fn dropped(&self) -> u64 {
        self.signals.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for PacketQueue {
    fn drop(&mut self) {
        self.signals.closed.store(true, Ordering::Release);
        self.signals.wake_engine();
    }
}

impl Signals {
    fn wake_engine(&self) {
        if let Some(bell) = self.engine.get() {
            bell.ring();
        }
    }
}

/// What [`QueueEnd::receive`] found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    Packet(Vec<u8>),
    Nothing,
    Closed,
}

impl QueueEnd {
    /// Names the bell that packets from the user ring. What came before is found by looking.
    pub(crate) fn announce_by(&self, bell: &Arc<Bell>) {
        let _kept_when_named_before = self.signals.engine.set(bell.clone());
    }

    /// Takes the next packet from the user.
    pub(crate) fn receive(&mut self) -> Received {
        let closed = self.signals.closed.load(Ordering::Acquire);
        match self.packets.try_recv() {
            Ok(packet) => Received::Packet(packet),
            Err(_) if closed => Received::Closed,
            Err(_) => Received::Nothing,
        }
    }

    /// Gives a packet to the user; `false` when it was dropped because the queue is full or closed.
    pub(crate) fn send(&self, packet: Vec<u8>) -> bool {
        let sent = self.to_user.try_send(packet).is_ok();
        if sent {
            self.signals.user.notify_one();
        } else {
            self.signals.dropped.fetch_add(1, Ordering::Relaxed);
        }
        sent
    }
}

impl Drop for QueueEnd {
    fn drop(&mut self) {
        self.signals.closed.store(true, Ordering::Release);
        self.signals.user.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::time::Duration;

    use super::*;
    use crate::poll::{Interest, Poller};

    #[test]
    fn packets_pass_in_both_directions() {
        let (mut end, queue) = queue_device(2);
        assert_eq!(queue.try_send(vec![1]), Ok(()));
        assert_eq!(end.receive(), Received::Packet(vec![1]));
        assert_eq!(end.receive(), Received::Nothing);
        assert!(end.send(vec![2]));
        assert_eq!(queue.try_recv(), Some(vec![2]));
        assert_eq!(queue.try_recv(), None);
    }

    #[test]
    fn a_full_queue_refuses_to_the_user_and_drops_for_the_engine() {
        let (end, queue) = queue_device(1);
        assert_eq!(queue.try_send(vec![1]), Ok(()));
        assert_eq!(queue.try_send(vec![2]), Err(vec![2]));
        assert!(end.send(vec![3]));
        assert!(!end.send(vec![4]));
        assert_eq!(queue.dropped(), 1);
        assert_eq!(queue.try_recv(), Some(vec![3]));
    }

    #[test]
    fn what_was_sent_before_closing_arrives() {
        let (mut end, queue) = queue_device(1);
        assert_eq!(queue.try_send(vec![1]), Ok(()));
        drop(queue);
        assert_eq!(end.receive(), Received::Packet(vec![1]));
        assert_eq!(end.receive(), Received::Closed);
    }

    #[test]
    fn a_packet_rings_the_engines_bell() {
        let bell = Arc::new(Bell::new().unwrap());
        let mut poller = Poller::new().unwrap();
        poller.add(bell.as_fd(), 1, Interest::READ).unwrap();
        let (end, queue) = queue_device(1);
        end.announce_by(&bell);
        assert_eq!(poller.wait(Some(Duration::ZERO)).unwrap().count(), 0);
        assert_eq!(queue.try_send(vec![1]), Ok(()));
        assert_eq!(poller.wait(None).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn the_user_waits_for_packets_room_and_the_end() {
        let (mut end, queue) = queue_device(1);
        tokio::join!(queue.readable(), async { assert!(end.send(vec![1])) });
        assert_eq!(queue.try_recv(), Some(vec![1]));
        assert_eq!(queue.try_send(vec![2]), Ok(()));
        tokio::join!(queue.writable(), async { assert_eq!(end.receive(), Received::Packet(vec![2])) });
        tokio::join!(queue.readable(), async { drop(end) });
        assert!(queue.is_closed());
        assert_eq!(queue.try_send(vec![3]), Err(vec![3]));
        queue.writable().await;
    }
}
