//! Quick recovery from loss, by what the remote end says of the bytes that it has.
//!
//! smoltcp sends a lost segment again when an acknowledgement came three times, or after a second. A host that takes
//! super-packets acknowledges too rarely for the former, and after a second loss nothing is repeated at all. So an
//! acknowledgement that shows a hole with enough bytes behind it is repeated to smoltcp, once for every hole.

use smoltcp::wire::TcpSeqNumber;

use super::packet::Segment;

/// After how many segments behind a hole it is taken for lost and not for late.
const SEGMENTS_BEHIND: usize = 3;
/// How often smoltcp must hear an acknowledgement again.
const REPEATS: usize = 3;

#[derive(Debug, Default)]
pub(super) struct Recovery {
    last_hole: Option<TcpSeqNumber>,
}

impl Recovery {
    /// How often smoltcp shall hear this segment again.
    pub fn repeats(&mut self, segment: &Segment, mtu: u16) -> usize {
        let hole = segment.acknowledged();
        let behind: usize = segment.selectively_acknowledged().map(|(start, end)| end - start).sum();
        if self.last_hole == Some(hole) || behind <= (SEGMENTS_BEHIND - 1) * usize::from(mtu) || !segment.is_bare() {
            return 0;
        }
        self.last_hole = Some(hole);
        REPEATS
    }
}

#[cfg(test)]
mod tests {
    use smoltcp::phy::ChecksumCapabilities;
    use smoltcp::wire::{IpProtocol, IpRepr, Ipv4Address, TcpControl, TcpPacket, TcpRepr};

    use super::*;

    /// How often an acknowledgement of 1000 is repeated that says that these bytes came behind it.
    fn repeats(recovery: &mut Recovery, acknowledged: i32, behind: (u32, u32), payload: &[u8]) -> usize {
        let checksums = ChecksumCapabilities::default();
        let repr = TcpRepr {
            src_port: 80,
            dst_port: 40_000,
            control: TcpControl::None,
            seq_number: TcpSeqNumber(7),
            ack_number: Some(TcpSeqNumber(acknowledged)),
            window_len: 1000,
            window_scale: None,
            max_seg_size: None,
            sack_permitted: false,
            sack_ranges: [Some(behind), None, None],
            timestamp: None,
            payload,
        };
        let address = Ipv4Address::new(10, 0, 0, 1);
        let header = IpRepr::new(address.into(), address.into(), IpProtocol::Tcp, repr.buffer_len(), 64);
        let mut packet = vec![0; header.buffer_len()];
        header.emit(&mut packet[..], &checksums);
        let mut segment = TcpPacket::new_unchecked(&mut packet[header.header_len()..]);
        repr.emit(&mut segment, &address.into(), &address.into(), &checksums);
        recovery.repeats(&Segment::of(&mut packet), 1420)
    }

    #[test]
    fn every_hole_with_three_segments_behind_it_is_repeated_once() {
        let mut recovery = Recovery::default();
        assert_eq!(repeats(&mut recovery, 1000, (2000, 4840), b""), 0, "two segments");
        assert_eq!(repeats(&mut recovery, 1000, (2000, 6000), b""), REPEATS);
        assert_eq!(repeats(&mut recovery, 1000, (2000, 7000), b""), 0, "the same hole");
        assert_eq!(repeats(&mut recovery, 7000, (9000, 20_000), b""), REPEATS);
    }

    #[test]
    fn what_is_no_hole_is_not_repeated() {
        let mut recovery = Recovery::default();
        assert_eq!(repeats(&mut recovery, 9000, (1000, 8000), b""), 0, "came twice");
        assert_eq!(repeats(&mut recovery, 9000, (30_000, 20_000), b""), 0, "ends before it starts");
        assert_eq!(repeats(&mut recovery, 9000, (10_000, 20_000), b"bytes"), 0, "smoltcp counts only bare ones");
    }
}
