//! What the kernel leaves to a device: the virtio-net header of 10 bytes in front of each packet of a TUN
//! (virtio 1.2, section 5.1.6), which says whether the packet is a super-packet to be split.

/// Bytes of the header that a TUN with `IFF_VNET_HDR` puts before each packet.
pub const VIRTIO_HEADER_LENGTH: usize = 10;

const FLAG_NEEDS_CHECKSUM: u8 = 1;
const FLAG_CHECKSUM_VALID: u8 = 2;
const KIND_NONE: u8 = 0;
const KIND_TCP_V4: u8 = 1;
const KIND_TCP_V6: u8 = 4;
const KIND_UDP: u8 = 5;
const ECN: u8 = 0x80;

/// How a super-packet is to be split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OffloadKind {
    /// One ordinary packet.
    #[default]
    None,
    TcpV4,
    TcpV6,
    /// UDP over either family, each segment a datagram of its own.
    Udp,
}

/// A checksum that covers only the pseudo-header so far: it is to be completed over the bytes from `start` to
/// the end of the packet and stored at `start + offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartialChecksum {
    pub start: u16,
    pub offset: u16,
}

impl PartialChecksum {
    /// Whether the checksum lies within the packet.
    pub fn fits(&self, packet: &[u8]) -> bool {
        usize::from(self.start) + usize::from(self.offset) + 2 <= packet.len()
    }
}

/// The meaning of a virtio-net header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offload {
    pub kind: OffloadKind,
    /// Whether the first segment alone carries the congestion-window-reduced flag (RFC 3168, section 6.1.2).
    pub ecn: bool,
    /// Bytes of all headers, IP and transport; 0 where the kernel does not say.
    pub header_length: u16,
    /// Bytes of payload per segment; 0 for an ordinary packet.
    pub segment_size: u16,
    pub checksum: Option<PartialChecksum>,
}

impl Offload {
    /// Reads a header; `None` for a kind that was never asked for.
    pub fn decode(header: &[u8; VIRTIO_HEADER_LENGTH]) -> Option<Self> {
        let field = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        let kind = match header[1] & !ECN {
            KIND_NONE => OffloadKind::None,
            KIND_TCP_V4 => OffloadKind::TcpV4,
            KIND_TCP_V6 => OffloadKind::TcpV6,
            KIND_UDP => OffloadKind::Udp,
            _ => return None,
        };
        let checksum =
            (header[0] & FLAG_NEEDS_CHECKSUM != 0).then(|| PartialChecksum { start: field(6), offset: field(8) });
        Some(Self { kind, ecn: header[1] & ECN != 0, header_length: field(2), segment_size: field(4), checksum })
    }

    /// Writes the header. A packet without a partial checksum is marked as checked, so that the kernel
    /// does not check it again.
    pub fn encode(&self) -> [u8; VIRTIO_HEADER_LENGTH] {
        let kind = match self.kind {
            OffloadKind::None => KIND_NONE,
            OffloadKind::TcpV4 => KIND_TCP_V4,
            OffloadKind::TcpV6 => KIND_TCP_V6,
            OffloadKind::Udp => KIND_UDP,
        };
        let (flags, start, offset) = match self.checksum {
            Some(checksum) => (FLAG_NEEDS_CHECKSUM, checksum.start, checksum.offset),
            None => (FLAG_CHECKSUM_VALID, 0, 0),
        };
        let mut header = [0; VIRTIO_HEADER_LENGTH];
        header[0] = flags;
        header[1] = kind | if self.ecn { ECN } else { 0 };
        for (at, value) in [(2, self.header_length), (4, self.segment_size), (6, start), (8, offset)] {
            header[at..at + 2].copy_from_slice(&value.to_le_bytes());
        }
        header
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back() {
        let offload = Offload {
            kind: OffloadKind::TcpV6,
            ecn: true,
            header_length: 60,
            segment_size: 1360,
            checksum: Some(PartialChecksum { start: 40, offset: 16 }),
        };
        assert_eq!(Offload::decode(&offload.encode()), Some(offload));
        assert_eq!(Offload::decode(&Offload::default().encode()), Some(Offload::default()));
    }

    #[test]
    fn an_unknown_kind_is_refused() {
        assert_eq!(Offload::decode(&[0, 3, 0, 0, 0, 0, 0, 0, 0, 0]), None);
    }
}
