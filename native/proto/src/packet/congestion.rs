//! Explicit congestion notification: reading and marking it (RFC 3168), and carrying it between the header of a packet
//! and that of the datagram around it (RFC 6040).

use super::checksum;

/// What the header of a packet or a datagram says of congestion, by its bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ecn {
    /// Its sender does not understand congestion marks.
    #[default]
    NotCapable = 0,
    CapableOne = 1,
    CapableZero = 2,
    CongestionExperienced = 3,
}

impl Ecn {
    /// What a type of service or a traffic class says.
    pub fn from_traffic_class(class: u8) -> Self {
        match class & 3 {
            0 => Self::NotCapable,
            1 => Self::CapableOne,
            2 => Self::CapableZero,
            _ => Self::CongestionExperienced,
        }
    }

    /// What the header of a well-formed IP packet says.
    pub(crate) fn of(packet: &[u8]) -> Self {
        Self::from_traffic_class(if packet[0] >> 4 == 4 { packet[1] } else { packet[1] >> 4 })
    }

    fn write(self, packet: &mut [u8]) {
        if packet[0] >> 4 == 4 {
            packet[1] = packet[1] & !3 | self as u8;
            let length = usize::from(packet[0] & 0x0f) * 4;
            checksum::write_ipv4(&mut packet[..length]);
        } else {
            packet[1] = packet[1] & !(3 << 4) | (self as u8) << 4;
        }
    }
}

/// Marks a packet as having met congestion; `false` when its sender does not understand that.
pub(crate) fn mark_congestion(packet: &mut [u8]) -> bool {
    let is_capable = Ecn::of(packet) != Ecn::NotCapable;
    if is_capable {
        Ecn::CongestionExperienced.write(packet);
    }
    is_capable
}

/// Tells a packet what its datagram met on the way (RFC 6040, section 4.2); `false` when it has to be dropped, because
/// the datagram met congestion and the packet's sender would not understand a mark.
pub(crate) fn carry_congestion(outer: Ecn, packet: &mut [u8]) -> bool {
    match (outer, Ecn::of(packet)) {
        (Ecn::CongestionExperienced, _) => mark_congestion(packet),
        (Ecn::CapableOne, Ecn::CapableZero) => {
            Ecn::CapableOne.write(packet);
            true
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::checksum::Sum;

    const ALL: [Ecn; 4] = [Ecn::NotCapable, Ecn::CapableOne, Ecn::CapableZero, Ecn::CongestionExperienced];

    fn packets(ecn: Ecn) -> [Vec<u8>; 2] {
        let class = 0xb8 | ecn as u8;
        let mut v4 = vec![0x45, class, 0, 24, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 1, 0, 9];
        checksum::write_ipv4(&mut v4[..20]);
        let mut v6 = vec![0; 44];
        v6[..7].copy_from_slice(&[0x60 | class >> 4, class << 4, 0, 0, 0, 4, 17]);
        [v4, v6]
    }

    #[test]
    fn only_what_understands_congestion_is_marked() {
        for ecn in ALL {
            for mut packet in packets(ecn) {
                let marked = mark_congestion(&mut packet).then_some(Ecn::of(&packet));
                assert_eq!(marked, (ecn != Ecn::NotCapable).then_some(Ecn::CongestionExperienced));
            }
        }
    }

    #[test]
    fn a_packet_leaves_its_datagram_as_rfc_6040_says() {
        use Ecn::{CapableOne as One, CapableZero as Zero, CongestionExperienced as Met, NotCapable as Not};
        // A row by what the packet says, a column by what the datagram says.
        let table = [
            [Some(Not), Some(Not), Some(Not), None],
            [Some(One), Some(One), Some(One), Some(Met)],
            [Some(Zero), Some(One), Some(Zero), Some(Met)],
            [Some(Met), Some(Met), Some(Met), Some(Met)],
        ];
        for (inner, row) in ALL.into_iter().zip(table) {
            for (outer, expected) in ALL.into_iter().zip(row) {
                for mut packet in packets(inner) {
                    let left = carry_congestion(outer, &mut packet).then_some(Ecn::of(&packet));
                    assert_eq!(left, expected, "{outer:?} around {inner:?}");
                    let is_v4 = packet[0] >> 4 == 4;
                    assert!(!is_v4 || Sum::default().with(&packet[..20]).checksum() == 0);
                    let class = packet[0] << 4 | packet[1] >> 4;
                    assert_eq!(if is_v4 { packet[1] } else { class } & !3, 0xb8, "the rest of the class stays");
                }
            }
        }
    }
}
