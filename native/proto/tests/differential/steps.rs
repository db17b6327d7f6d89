//! What payloads do, drawn at random: mostly ordinary traffic that can be merged, and some of everything else.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

pub const FIN: u8 = 0x01;
pub const SYN: u8 = 0x02;
pub const RST: u8 = 0x04;
pub const PSH: u8 = 0x08;
pub const ACK: u8 = 0x10;
pub const URG: u8 = 0x20;
pub const ECE: u8 = 0x40;
pub const CWR: u8 = 0x80;

/// One packet or super-packet of one of a few flows.
#[derive(Clone, Debug)]
pub struct Step {
    /// Even flows are IPv4, odd ones IPv6.
    pub flow: u8,
    pub ip: Ip,
    pub what: What,
    /// Whether the checksum is left to the device.
    pub is_partial: bool,
    /// Whether a byte was damaged after the checksum had been made.
    pub is_damaged: bool,
    pub to: To,
}

#[derive(Clone, Debug)]
pub struct Ip {
    /// Differentiated services and, in the last two bits, ECN.
    pub class: u8,
    pub hops: u8,
    pub dont_fragment: bool,
    /// Words of options in IPv4; the kind of an extension header of eight bytes in IPv6.
    pub extension: Option<u8>,
}

#[derive(Clone, Debug)]
pub enum What {
    /// The next data of a TCP flow; a super-packet where it is `cut` into segments.
    Segment {
        flags: u8,
        length: u16,
        cut: Option<u16>,
        options: u8,
    },
    /// The last 1000 bytes of the flow once more.
    Retransmission,
    /// An acknowledgement of something new.
    Acknowledgement,
    /// A UDP datagram, or several of `cut` bytes in a super-packet; with bytes behind it (RFC 9868).
    Datagram {
        length: u16,
        cut: Option<u16>,
        has_checksum: bool,
        surplus: u8,
    },
    /// A part of something; the offset is in units of eight bytes.
    Fragment {
        offset: u16,
        more: bool,
        length: u16,
    },
    Echo {
        length: u16,
    },
    Unknown {
        protocol: u8,
        length: u16,
    },
}

/// Whose addresses are in the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    Receiver,
    Nobody,
    Outside,
    /// To the receiver, from an address that is not the sender's own.
    FromForeign,
}

pub fn step() -> impl Strategy<Value = Step> {
    let to = prop_oneof![40 => Just(To::Receiver), 1 => select(vec![To::Nobody, To::Outside, To::FromForeign])];
    let is_damaged = prop::bool::weighted(0.03);
    (0..6u8, ip(), what(), any::<bool>(), is_damaged, to).prop_map(|(flow, ip, what, is_partial, is_damaged, to)| {
        let is_damaged = is_damaged && !is_partial;
        Step { flow, ip, what, is_partial, is_damaged, to }
    })
}

pub fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..most)
}

fn ip() -> impl Strategy<Value = Ip> {
    let class = prop_oneof![8 => Just(0b10), 2 => 0..4u8, 1 => any::<u8>()];
    let hops = prop_oneof![12 => Just(64), 1 => any::<u8>()];
    let extension = prop_oneof![12 => Just(None), 1 => (0..3u8).prop_map(Some)];
    (class, hops, prop::bool::weighted(0.7), extension).prop_map(|(class, hops, dont_fragment, extension)| Ip {
        class,
        hops,
        dont_fragment,
        extension,
    })
}

fn what() -> impl Strategy<Value = What> {
    let usual = vec![ACK, ACK, ACK, ACK, ACK | PSH, ACK | FIN, ACK | ECE, ACK | CWR, ACK | CWR | PSH];
    let rare = vec![SYN, SYN | ACK, ACK | URG, RST, ACK | RST, 0, ACK | FIN | PSH | URG, ACK | ECE | CWR, FIN];
    let flags = prop_oneof![10 => select(usual.clone()), 1 => select(rare)];
    let single = (flags, length(), options()).prop_map(|(flags, length, options)| What::Segment {
        flags,
        length,
        cut: None,
        options,
    });
    let several = (select(usual), several(), options()).prop_map(|(flags, (cut, length), options)| What::Segment {
        flags,
        length,
        cut: Some(cut),
        options,
    });
    let surplus = prop_oneof![15 => Just(0u8), 1 => 1..20u8];
    let datagram = (length(), prop::bool::weighted(0.9), surplus)
        .prop_map(|(length, has_checksum, surplus)| What::Datagram { length, cut: None, has_checksum, surplus });
    let datagrams = several_datagrams().prop_map(|(cut, length)| What::Datagram {
        length,
        cut: Some(cut),
        has_checksum: true,
        surplus: 0,
    });
    let fragment = (0..200u16, any::<bool>(), 1..180u16);
    prop_oneof![
        16 => single,
        4 => several,
        10 => datagram,
        3 => datagrams,
        2 => Just(What::Retransmission),
        2 => Just(What::Acknowledgement),
        1 => fragment.prop_map(|(offset, more, words)| What::Fragment { offset, more, length: words * 8 }),
        1 => length().prop_map(|length| What::Echo { length }),
        1 => (select(vec![47u8, 50, 132, 253]), length()).prop_map(|(protocol, length)| What::Unknown { protocol, length }),
    ]
}

/// Bytes of payload: mostly all the same, so that packets can be merged; sometimes odd, none, or more than fits.
fn length() -> impl Strategy<Value = u16> {
    prop_oneof![8 => Just(1000u16), 2 => 0..1340u16, 1 => Just(0), 1 => 1340..1500u16, 1 => 1500..9000u16]
}

/// Words of options in a TCP header.
fn options() -> impl Strategy<Value = u8> {
    prop_oneof![3 => Just(3u8), 1 => 0..10u8]
}

/// The size of the segments in a super-packet, and how many bytes there are.
fn several() -> impl Strategy<Value = (u16, u16)> {
    let size = prop_oneof![4 => Just(1000u16), 2 => 1..1340u16, 1 => 1340..1500u16];
    size.prop_flat_map(|size| (Just(size), 1..=(u32::from(size) * 45).min(64_000) as u16))
}

/// Linux takes no UDP super-packet of more than 64 datagrams.
fn several_datagrams() -> impl Strategy<Value = (u16, u16)> {
    let size = prop_oneof![4 => Just(1000u16), 2 => 1..1390u16, 1 => 1390..1500u16];
    size.prop_flat_map(|size| (Just(size), 1..=(u32::from(size) * 64).min(64_000) as u16))
}
