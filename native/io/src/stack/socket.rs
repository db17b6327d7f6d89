//! One TCP connection: a smoltcp interface with a single socket, so that the cost of a packet does not grow with the
//! number of connections, and every connection draws its sequence numbers from a seed of its own.

use std::io::{self, Cursor, ErrorKind, Read};
use std::task::{Context, Poll};

use smoltcp::iface::{Interface, PollResult, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{self, RecvError, State};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::TcpSeqNumber;

use super::ConnectError;
use super::connection::Connection;
use super::packet::Segment;
use super::recovery::Recovery;
use super::responder::interface;
use super::wire::{Outbox, Wire};

/// The size of either buffer, and so the bytes on their way at most: enough for 100 Mbit/s over 20 ms.
const BUFFER: usize = 256 << 10;
/// By how many bytes smoltcp may take back some of a window of that size, which it tells in units of 8.
const WINDOW_ROUNDING: usize = 7;
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long the remote end may be silent while it has something to say or to acknowledge.
const USER_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a connection without a stream may take to deliver its last bytes.
const LINGER: Duration = Duration::from_secs(120);
/// How many packets a connection may send before it is another's turn.
const TURN: usize = 32;

pub(super) struct Socket {
    interface: Interface,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
    mtu: u16,
    was_open: bool,
    broken: Option<ErrorKind>,
    /// The sequence number of the first byte that was not yet taken out of smoltcp.
    unread_from: TcpSeqNumber,
    recovery: Recovery,
    /// The unread bytes of a finished connection; smoltcp forgets them when it forgets the connection.
    rest: Option<Cursor<Vec<u8>>>,
    /// When the connection is given up, once it has no stream.
    linger_until: Option<Instant>,
    has_unwanted: bool,
    /// Whether it waits for its turn to send.
    pub is_queued: bool,
    /// When it is next looked at without a cause.
    pub alarm: Option<Instant>,
}

/// What a turn to send came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// All is sent that may be.
    Done,
    /// There is more to send.
    Unfinished,
}

impl Socket {
    /// Makes a connection that is about to open; nothing when there can be none between these ends.
    pub fn connect(connection: Connection, mtu: u16, random_seed: u64) -> Option<Self> {
        let mut interface = interface(random_seed, mtu);
        let buffer = || tcp::SocketBuffer::new(vec![0; BUFFER]);
        let mut socket = tcp::Socket::new(buffer(), buffer());
        socket.set_congestion_control(tcp::CongestionControl::Cubic);
        socket.set_nagle_enabled(false);
        socket.set_keep_alive(Some(KEEP_ALIVE));
        socket.set_timeout(Some(USER_TIMEOUT));
        socket.connect(interface.context(), connection.remote, connection.local).ok()?;
        let mut sockets = SocketSet::new(Vec::with_capacity(1));
        let handle = sockets.add(socket);
        Some(Self {
            interface,
            sockets,
            handle,
            mtu,
            was_open: false,
            broken: None,
            unread_from: TcpSeqNumber(0),
            recovery: Recovery::default(),
            rest: None,
            linger_until: None,
            has_unwanted: false,
            is_queued: false,
            alarm: None,
        })
    }

    fn tcp(&self) -> &tcp::Socket<'static> {
        self.sockets.get(self.handle)
    }

    fn tcp_mut(&mut self) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(self.handle)
    }

    /// Takes a packet of the connection from the network.
    pub fn receive(&mut self, now: Instant, mut packet: Vec<u8>, is_reset: bool, outbox: &mut Outbox) {
        let was_closed = self.tcp().state() == State::Closed;
        let mut segment = Segment::of(&mut packet);
        self.forgive_rounding(&mut segment);
        let repeats = self.recovery.repeats(&segment, self.mtu);
        for packet in std::iter::repeat_n(packet, 1 + repeats) {
            let mut wire = Wire { mtu: self.mtu, received: Some(packet), outbox };
            self.interface.poll_ingress_single(now, &mut wire, &mut self.sockets);
        }
        match self.tcp().state() {
            State::Closed if is_reset && !was_closed => self.broken = Some(ErrorKind::ConnectionReset),
            State::Closed | State::Listen | State::SynSent | State::SynReceived => {}
            State::TimeWait if self.rest.is_none() => self.rest = Some(Cursor::new(self.unread())),
            _ => self.was_open = true,
        }
    }

    /// smoltcp takes back window that the remote end may have used in good faith, and then ignores what is beyond it,
    /// acknowledgements and all. So a reader that waits would make the writer wait. An acknowledgement without bytes may
    /// as well come from where smoltcp expects it.
    fn forgive_rounding(&mut self, segment: &mut Segment) {
        match self.tcp().state() {
            State::SynSent if segment.is_syn() => self.unread_from = segment.sequence() + 1,
            State::Established | State::FinWait1 | State::FinWait2 => {
                let expected = self.unread_from + self.tcp().recv_queue();
                let is_beyond = segment.sequence() > expected && segment.sequence() <= expected + WINDOW_ROUNDING;
                if is_beyond && segment.is_bare() {
                    segment.set_sequence(expected);
                }
            }
            _ => {}
        }
    }

    /// Sends what may be sent.
    pub fn transmit(&mut self, now: Instant, outbox: &mut Outbox) -> Turn {
        self.tend_without_stream(now);
        let mut wire = Wire { mtu: self.mtu, received: None, outbox };
        for _ in 0..TURN {
            if wire.outbox.is_full() {
                return Turn::Unfinished;
            }
            let could_time_out = !matches!(self.tcp().state(), State::Closed | State::TimeWait);
            let result = self.interface.poll_egress(now, &mut wire, &mut self.sockets);
            if could_time_out && self.tcp().state() == State::Closed {
                self.broken = Some(ErrorKind::TimedOut);
            }
            if result == PollResult::None {
                return Turn::Done;
            }
        }
        Turn::Unfinished
    }

    /// When there is next something to do without a packet or a stream asking for it.
    pub fn deadline(&mut self, now: Instant) -> Option<Instant> {
        let tcp = self.interface.poll_at(now, &self.sockets);
        tcp.into_iter().chain(self.linger_until).min()
    }

    /// Whether nothing is left of it for the network.
    pub fn is_gone(&self) -> bool {
        self.tcp().state() == State::Closed && self.tcp().remote_endpoint().is_none()
    }

    /// Whether it is a connection for its user: open, and with a stream.
    pub fn is_open(&self) -> bool {
        self.was_open && self.tcp().is_active() && self.linger_until.is_none()
    }

    pub fn poll_open(&mut self, context: &Context<'_>) -> Poll<Result<(), ConnectError>> {
        if self.was_open {
            return Poll::Ready(Ok(()));
        }
        if self.tcp().state() != State::Closed {
            self.tcp_mut().register_send_waker(context.waker());
            return Poll::Pending;
        }
        Poll::Ready(Err(match self.broken {
            Some(ErrorKind::TimedOut) => ConnectError::TimedOut,
            Some(ErrorKind::ConnectionAborted) => ConnectError::NoRoute,
            _ => ConnectError::Refused,
        }))
    }

    pub fn poll_read(&mut self, context: &Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if let Some(rest) = &mut self.rest {
            return Poll::Ready(rest.read(buffer));
        }
        match self.tcp_mut().recv_slice(buffer) {
            Ok(0) if !buffer.is_empty() => {
                self.tcp_mut().register_recv_waker(context.waker());
                Poll::Pending
            }
            Ok(length) => {
                self.unread_from += length;
                Poll::Ready(Ok(length))
            }
            Err(RecvError::Finished) => Poll::Ready(Ok(0)),
            Err(RecvError::InvalidState) => Poll::Ready(Err(self.broken.unwrap_or(ErrorKind::NotConnected).into())),
        }
    }

    pub fn poll_write(&mut self, context: &Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.tcp_mut().send_slice(bytes) {
            Ok(0) if !bytes.is_empty() => {
                self.tcp_mut().register_send_waker(context.waker());
                Poll::Pending
            }
            Ok(length) => Poll::Ready(Ok(length)),
            Err(_) => Poll::Ready(Err(self.broken.unwrap_or(ErrorKind::BrokenPipe).into())),
        }
    }

    /// Ends the bytes to the remote end, behind those already written.
    pub fn close(&mut self) {
        self.tcp_mut().close();
    }

    /// Leaves the connection without a stream: it delivers what was written, and goes.
    pub fn abandon(&mut self, now: Instant) {
        self.linger_until = Some(now + LINGER);
        if self.was_open {
            self.close();
        } else {
            self.tcp_mut().abort();
        }
    }

    /// Breaks the connection from this side.
    pub fn abort(&mut self) {
        self.broken.get_or_insert(ErrorKind::ConnectionAborted);
        self.tcp_mut().abort();
    }

    /// Discards what nobody will read. The remote end is told by a reset, but only when it has all that was written: a
    /// reset could cost it bytes that it has not read yet.
    fn tend_without_stream(&mut self, now: Instant) {
        let Some(end) = self.linger_until else { return };
        self.has_unwanted |= !self.unread().is_empty();
        if now >= end || (self.has_unwanted && self.tcp().state() == State::FinWait2) {
            self.tcp_mut().abort();
        }
    }

    fn unread(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; self.tcp().recv_queue()];
        let length = self.tcp_mut().recv_slice(&mut bytes).unwrap_or(0);
        self.unread_from += length;
        bytes.truncate(length);
        bytes
    }
}
