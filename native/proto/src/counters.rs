//! What is counted: packets and bytes both ways, and every drop with its reason.

/// Declares the reasons once, with their names and descriptions.
macro_rules! drop_reasons {
    ($($reason:ident, $name:literal, $description:literal;)*) => {
        /// Why a packet, a datagram or a handshake message went no further.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum DropReason {
            $(#[doc = $description] $reason,)*
        }

        impl DropReason {
            /// Every reason, in the order of declaration.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$reason),*];

            /// The name in metrics.
            pub fn name(self) -> &'static str {
                match self { $(Self::$reason => $name,)* }
            }

            /// One line for people.
            pub fn description(self) -> &'static str {
                match self { $(Self::$reason => $description,)* }
            }
        }
    };
}

drop_reasons! {
    UnknownDevice, "unknown_device", "a packet came from a device that is not known";
    MalformedPacket, "malformed_packet", "not a well-formed IPv4 or IPv6 packet";
    MalformedOffload, "malformed_offload", "the offload header does not fit the packet";
    MulticastDestination, "multicast_destination", "sent to a multicast or broadcast address";
    ForeignSource, "foreign_source", "a device sent from an address that is not its own";
    OwnSocket, "own_socket", "the daemon's own sockets sent it into an interface of its networks";
    OutsideNetwork, "outside_network", "sent to an address outside of the network";
    NoMember, "no_member", "sent to an address of the network that no member has";
    NoDevice, "no_device", "sent to an address of this node that no device has";
    PacketTooBig, "packet_too_big", "longer than the tunnel or the device takes";
    BadChecksum, "bad_checksum", "a packet of a peer had a wrong TCP or UDP checksum";
    BacklogFull, "backlog_full", "too many packets wait for a session with their peer";
    BacklogExpired, "backlog_expired", "waited too long for a session with its peer";
    RelayQueueFull, "relay_queue_full", "too much waits for a relay that is slower than the packets";
    RelayQueueLate, "relay_queue_late", "waited too long for a relay that is slower than the packets";
    LinkRemoved, "link_removed", "waited for a peer, network or member that was removed";
    SendQueueFull, "send_queue_full", "packets come faster than they are sent, and their queue is full";
    SendQueueLate, "send_queue_late", "waited too long because packets come faster than they are sent";
    TransmitQueueFull, "transmit_queue_full", "datagrams were not fetched fast enough";
    DeliveryQueueFull, "delivery_queue_full", "packets for devices were not fetched fast enough";
    MalformedDatagram, "malformed_datagram", "a datagram that is not one of ours";
    UnknownSession, "unknown_session", "a datagram of a session that is not known, or is over";
    EarlyDatagram, "early_datagram", "a datagram that came before the reply to the handshake it belongs to";
    Forged, "forged", "a datagram that its session's key does not open";
    ForeignRelay, "foreign_relay", "relayed for a node that is not the session's peer";
    CongestionMet, "congestion_met", "a datagram met congestion, and its packet's sender does not understand marks";
    Replayed, "replayed", "a datagram that was received before, or is far too old";
    MalformedFrame, "malformed_frame", "a control frame of a peer that can't be read";
    UnknownReflection, "unknown_reflection", "a reflection request or answer that nobody was told to expect";
    ReflectionLimit, "reflection_limit", "too many reflection requests of one node";
    SpoofedSource, "spoofed_source", "a peer sent from an address that is not its own in the network";
    MalformedHandshake, "malformed_handshake", "a handshake message that can't be read";
    UnexpectedHandshakeReply, "unexpected_handshake_reply", "a handshake reply that nothing waits for";
    RefusedHandshake, "refused_handshake", "a handshake of a peer was refused";
}

/// Totals since the start of the node. "Out" is towards peers, "in" is from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counters {
    /// Inner packets sealed for peers.
    pub packets_out: u64,
    pub bytes_out: u64,
    /// Inner packets of peers handed to a device.
    pub packets_in: u64,
    pub bytes_in: u64,
    /// Those of them that belong to no TCP connection.
    pub connectionless_out: u64,
    pub connectionless_in: u64,
    /// Packets and super-packets switched between devices of this node.
    pub packets_local: u64,
    pub bytes_local: u64,
    drops: [u64; DropReason::ALL.len()],
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self {
            packets_out: 0,
            bytes_out: 0,
            packets_in: 0,
            bytes_in: 0,
            connectionless_out: 0,
            connectionless_in: 0,
            packets_local: 0,
            bytes_local: 0,
            drops: [0; DropReason::ALL.len()],
        }
    }

    /// How often something was dropped for `reason`.
    pub fn drops(&self, reason: DropReason) -> u64 {
        self.drops[reason as usize]
    }

    /// How often something was dropped for any reason.
    pub fn total_drops(&self) -> u64 {
        self.drops.iter().sum()
    }

    pub(crate) fn count_drop(&mut self, reason: DropReason) {
        self.count_drops(reason, 1);
    }

    pub(crate) fn count_drops(&mut self, reason: DropReason, number: usize) {
        self.drops[reason as usize] += number as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn reasons_have_distinct_snake_case_names() {
        let names: HashSet<_> = DropReason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), DropReason::ALL.len());
        assert!(names.iter().all(|name| name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')));
    }

    #[test]
    fn each_reason_is_counted_alone() {
        let mut counters = Counters::new();
        counters.count_drop(DropReason::Forged);
        counters.count_drops(DropReason::Replayed, 2);
        assert_eq!(counters.drops(DropReason::Forged), 1);
        assert_eq!(counters.drops(DropReason::NoDevice), 0);
        assert_eq!(counters.total_drops(), 3);
    }
}
