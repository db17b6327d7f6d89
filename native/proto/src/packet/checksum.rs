//! The Internet checksum (RFC 1071), summed in the byte order of the machine, several words at a time.

use std::net::IpAddr;

use super::write_u16;

/// Sums that grow side by side, as the processor adds several numbers at once but each only after the one before.
const LANES: usize = 4;

/// A one's-complement sum that is not folded yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum(u64);

impl Sum {
    /// Adds bytes that start at an even offset of what is summed.
    #[must_use]
    pub fn with(self, bytes: &[u8]) -> Self {
        let mut lanes = [0u64; LANES];
        let mut blocks = bytes.chunks_exact(LANES * 8);
        for block in &mut blocks {
            for (lane, word) in lanes.iter_mut().zip(block.as_chunks::<8>().0) {
                let (sum, carry) = lane.overflowing_add(u64::from_ne_bytes(*word));
                *lane = sum + u64::from(carry);
            }
        }
        let (words, rest) = blocks.remainder().as_chunks::<2>();
        let total = words.iter().fold(self.0, |total, word| total + u64::from(u16::from_ne_bytes(*word)));
        let last = rest.first().map_or(0, |byte| u64::from(u16::from_ne_bytes([*byte, 0])));
        Self(lanes.iter().fold(total + last, |total, lane| total + (lane & 0xffff_ffff) + (lane >> 32)))
    }

    /// Adds one 16-bit number.
    #[must_use]
    pub fn with_u16(self, value: u16) -> Self {
        Self(self.0 + u64::from(value.to_be()))
    }

    /// The folded sum, not complemented: what a partial checksum field holds.
    pub fn partial(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        u16::from_be(sum as u16)
    }

    /// The checksum.
    pub fn checksum(self) -> u16 {
        !self.partial()
    }
}

/// Starts the sum of a transport checksum with the pseudo-header of its IP header.
pub fn pseudo_header(source: IpAddr, destination: IpAddr, protocol: u8, length: usize) -> Sum {
    let sum = Sum::default().with_u16(protocol.into()).with_u16(length as u16);
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => sum.with(&source.octets()).with(&destination.octets()),
        (source, destination) => sum.with(&octets_v6(source)).with(&octets_v6(destination)),
    }
}

/// Writes the checksum of an IPv4 header of `length` bytes.
pub fn write_ipv4(header: &mut [u8]) {
    write_u16(header, 10, 0);
    let checksum = Sum::default().with(header).checksum();
    write_u16(header, 10, checksum);
}

fn octets_v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(bytes: &[u8]) -> u16 {
        let words = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
        let mut sum: u32 = words.sum();
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }

    #[test]
    fn the_example_of_rfc_1071_is_right() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(Sum::default().with(&bytes).partial(), 0xddf2);
    }

    proptest! {
        #[test]
        fn any_bytes_sum_as_word_by_word(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 0usize..150) {
            let cut = (2 * cut).min(bytes.len() & !1);
            let sum = Sum::default().with(&bytes[..cut]).with(&bytes[cut..]);
            prop_assert_eq!(sum.checksum(), naive(&bytes));
        }
    }
}
