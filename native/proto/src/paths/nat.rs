//! What lies between a node's data socket and others, in a word that it tells its peers.

/// How far a node can be reached directly, as it knows itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nat {
    /// It has not asked two reflectors.
    #[default]
    Unknown,
    /// Everybody sees it at the same address.
    Independent,
    /// Whoever it sends to sees another port.
    Symmetric,
    /// No reflector answers.
    Blocked,
    /// It takes relays only, by policy.
    RelayedOnly,
}

impl Nat {
    pub(crate) fn to_byte(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Independent => 1,
            Self::Symmetric => 2,
            Self::Blocked => 3,
            Self::RelayedOnly => 4,
        }
    }

    /// What later versions may say is unknown to this one.
    pub(crate) fn from_byte(byte: u8) -> Self {
        let known = [Self::Independent, Self::Symmetric, Self::Blocked, Self::RelayedOnly];
        known.into_iter().find(|nat| nat.to_byte() == byte).unwrap_or(Self::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_read_back_and_others_are_unknown() {
        for byte in 0..=4 {
            assert_eq!(Nat::from_byte(byte).to_byte(), byte);
        }
        assert_eq!(Nat::from_byte(200), Nat::Unknown);
    }
}
