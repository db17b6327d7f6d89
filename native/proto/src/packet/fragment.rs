//! Cuts an IPv4 packet into fragments (RFC 791, section 3.2).

use super::{IPV4_HEADER_LENGTH, IpHeader, checksum, read_u16, write_u16};

const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET: u16 = 0x1fff;

/// A packet to be cut, with full checksums inside.
pub(crate) struct Fragments<'a> {
    header: &'a [u8],
    payload: &'a [u8],
    part: usize,
}

impl<'a> Fragments<'a> {
    /// `None` when the packet must not be cut, or can't be: IPv6, "don't fragment", or with options, which would have
    /// to be looked through.
    pub fn new(ip: &IpHeader, packet: &'a [u8], limit: u16) -> Option<Self> {
        let can_be_cut = ip.source.is_ipv4() && !ip.dont_fragment && ip.header_length == IPV4_HEADER_LENGTH;
        let part = usize::from(limit).saturating_sub(IPV4_HEADER_LENGTH) & !7;
        let (header, payload) = packet[..ip.total_length].split_at(ip.header_length);
        (can_be_cut && part > 0).then_some(Self { header, payload, part })
    }

    pub fn count(&self) -> usize {
        self.payload.len().div_ceil(self.part)
    }

    /// Bytes of fragment `index`.
    pub fn length(&self, index: usize) -> usize {
        self.header.len() + self.piece(index).len()
    }

    /// Writes fragment `index` to `room` of its length.
    pub fn write(&self, index: usize, room: &mut [u8]) {
        let length = room.len() as u16;
        let (header, payload) = room.split_at_mut(self.header.len());
        header.copy_from_slice(self.header);
        payload.copy_from_slice(self.piece(index));
        let field = read_u16(header, 6);
        let is_last = index + 1 == self.count();
        let more = if is_last { field & MORE_FRAGMENTS } else { MORE_FRAGMENTS };
        let offset = (field & OFFSET) + (index * self.part / 8) as u16;
        write_u16(header, 2, length);
        write_u16(header, 6, more | offset & OFFSET);
        checksum::write_ipv4(header);
    }

    fn piece(&self, index: usize) -> &'a [u8] {
        let start = index * self.part;
        &self.payload[start..self.payload.len().min(start + self.part)]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::packet::checksum::Sum;

    fn packet(payload: usize, field: u16) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 0, 1, 2, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        write_u16(&mut packet, 2, 20 + payload as u16);
        write_u16(&mut packet, 6, field);
        packet.extend((0..payload).map(|index| (index * 7 / 3) as u8));
        packet
    }

    fn cut(packet: &[u8], limit: u16) -> Option<Vec<Vec<u8>>> {
        let ip = IpHeader::parse(packet).unwrap();
        let fragments = Fragments::new(&ip, packet, limit)?;
        let write = |index: usize| {
            let mut room = vec![0xff; fragments.length(index)];
            fragments.write(index, &mut room);
            room
        };
        Some((0..fragments.count()).map(write).collect())
    }

    proptest! {
        #[test]
        fn fragments_make_the_packet_again(payload in 1usize..4000, limit in 68u16..1500, start in 0u16..100, more: bool) {
            let field = start | if more { MORE_FRAGMENTS } else { 0 };
            let whole = packet(payload, field);
            let fragments = cut(&whole, limit).unwrap();
            let mut joined = Vec::new();
            for (index, fragment) in fragments.iter().enumerate() {
                prop_assert!(fragment.len() <= usize::from(limit));
                prop_assert_eq!(Sum::default().with(&fragment[..20]).checksum(), 0);
                prop_assert_eq!(IpHeader::parse(fragment).unwrap().total_length, fragment.len());
                let field = read_u16(fragment, 6);
                prop_assert_eq!(usize::from((field & OFFSET) - start) * 8, joined.len());
                prop_assert_eq!(field & MORE_FRAGMENTS != 0, more || index + 1 < fragments.len());
                joined.extend_from_slice(&fragment[20..]);
            }
            prop_assert_eq!(&joined, &whole[20..]);
        }
    }

    #[test]
    fn what_must_not_be_cut_is_left_whole() {
        assert_eq!(cut(&packet(2000, 0x4000), 1280), None);
        let mut with_options = packet(2000, 0);
        with_options[0] = 0x46;
        assert_eq!(cut(&with_options, 1280), None);
        let mut six = vec![0; 1500];
        six[..6].copy_from_slice(&[0x60, 0, 0, 0, 5, 180]);
        assert_eq!(cut(&six, 1280), None);
    }
}
