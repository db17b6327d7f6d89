//! The two messages of a handshake, carried by the control connection, which proves who sent them.
//!
//! | bytes | initiation | acceptance | refusal |
//! |---|---|---|---|
//! | 0 | version, 1 | the same | the same |
//! | 1 | kind, 1 | kind, 2 | kind, 3 |
//! | 2 | ciphers offered, bits | cipher chosen, bit | reason |
//! | 3 | cipher preferred, bit | 0 | 0 |
//! | 4..12 | id, little-endian | the same | the same |
//! | 12..28 | network | the same | the same |
//! | 28..32 | session index of the sender, little-endian | the same | - |
//! | 32..64 | public key of the sender | the same | - |

use crate::{Cipher, NetworkId};

const VERSION: u8 = 1;
const KIND_INITIATION: u8 = 1;
const KIND_ACCEPTANCE: u8 = 2;
const KIND_REFUSAL: u8 = 3;
const PREFIX_LENGTH: usize = 28;
const FULL_LENGTH: usize = 64;

/// Why a handshake was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The message can't be read.
    Malformed,
    /// The message is of another version of the protocol.
    Version,
    /// The network is not known here.
    UnknownNetwork,
    /// One of the two is no member of the network, as the answering node knows it.
    NotMember,
    /// There is no cipher that both accept.
    NoCommonCipher,
    /// The public key is one of the few that are no keys.
    WeakKey,
    /// The answering node has asked the same at the same time, and its question stands.
    Simultaneous,
}

/// What the initiator sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Initiation {
    pub id: u64,
    pub network: NetworkId,
    pub index: u32,
    pub public: [u8; 32],
    /// In order of preference.
    pub ciphers: Vec<Cipher>,
}

/// What the responder answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Accept { id: u64, network: NetworkId, index: u32, public: [u8; 32], cipher: Cipher },
    Refuse { id: u64, network: NetworkId, reason: Refusal },
}

impl Refusal {
    const ALL: [Self; 7] = [
        Self::Malformed,
        Self::Version,
        Self::UnknownNetwork,
        Self::NotMember,
        Self::NoCommonCipher,
        Self::WeakKey,
        Self::Simultaneous,
    ];

    /// The name in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Version => "version",
            Self::UnknownNetwork => "unknown_network",
            Self::NotMember => "not_member",
            Self::NoCommonCipher => "no_common_cipher",
            Self::WeakKey => "weak_key",
            Self::Simultaneous => "simultaneous",
        }
    }
}

impl Initiation {
    /// The message's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let offered = self.ciphers.iter().fold(0, |bits, cipher| bits | cipher.wire_bit());
        let preferred = self.ciphers.first().map_or(0, |cipher| cipher.wire_bit());
        encode([VERSION, KIND_INITIATION, offered, preferred], self.id, self.network, Some((self.index, &self.public)))
    }

    /// Reads a message, or says why it is refused.
    pub fn decode(message: &[u8]) -> Result<Self, Refusal> {
        let fields = Fields::decode(message)?;
        if fields.kind != KIND_INITIATION {
            return Err(Refusal::Malformed);
        }
        let (index, public) = fields.key.ok_or(Refusal::Malformed)?;
        let [offered, preferred] = fields.parameters;
        let first = Cipher::from_wire_bit(preferred);
        let others = [Cipher::ChaCha20Poly1305, Cipher::Aes256Gcm].into_iter().filter(|other| Some(*other) != first);
        let ciphers = first.into_iter().chain(others).filter(|cipher| cipher.wire_bit() & offered != 0).collect();
        Ok(Self { id: fields.id, network: fields.network, index, public, ciphers })
    }
}

impl Reply {
    /// The refusal of a message that may not be readable beyond its id.
    pub fn refuse(message: &[u8], reason: Refusal) -> Self {
        let id = message.get(4..12).and_then(|id| id.try_into().ok()).map_or(0, u64::from_le_bytes);
        let network = message.get(12..PREFIX_LENGTH).and_then(|id| id.try_into().ok()).unwrap_or_default();
        Self::Refuse { id, network: NetworkId(network), reason }
    }

    /// The message's bytes.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Accept { id, network, index, public, cipher } => {
                encode([VERSION, KIND_ACCEPTANCE, cipher.wire_bit(), 0], *id, *network, Some((*index, public)))
            }
            Self::Refuse { id, network, reason } => {
                encode([VERSION, KIND_REFUSAL, *reason as u8, 0], *id, *network, None)
            }
        }
    }

    /// Reads a message; `None` when it is no reply.
    pub fn decode(message: &[u8]) -> Option<Self> {
        let fields = Fields::decode(message).ok()?;
        let (id, network) = (fields.id, fields.network);
        let parameter = fields.parameters[0];
        match (fields.kind, fields.key) {
            (KIND_ACCEPTANCE, Some((index, public))) => {
                let cipher = Cipher::from_wire_bit(parameter)?;
                Some(Self::Accept { id, network, index, public, cipher })
            }
            (KIND_REFUSAL, None) => {
                let reason = *Refusal::ALL.get(usize::from(parameter))?;
                Some(Self::Refuse { id, network, reason })
            }
            _ => None,
        }
    }
}

/// The cipher for two lists in order of preference: the one that stands best with the side that likes it least,
/// so that AES is taken only where both have instructions for it.
pub fn choose_cipher(own: &[Cipher], offered: &[Cipher]) -> Option<Cipher> {
    let rank = |list: &[Cipher], cipher| list.iter().position(|other| *other == cipher);
    [Cipher::ChaCha20Poly1305, Cipher::Aes256Gcm]
        .into_iter()
        .filter_map(|cipher| Some((rank(own, cipher)?.max(rank(offered, cipher)?), cipher)))
        .min_by_key(|(worst, _)| *worst)
        .map(|(_, cipher)| cipher)
}

struct Fields {
    kind: u8,
    parameters: [u8; 2],
    id: u64,
    network: NetworkId,
    key: Option<(u32, [u8; 32])>,
}

impl Fields {
    fn decode(message: &[u8]) -> Result<Self, Refusal> {
        let [version, kind, first, second] = *message.first_chunk().ok_or(Refusal::Malformed)?;
        if version != VERSION {
            return Err(Refusal::Version);
        }
        let field = |range: std::ops::Range<usize>| message.get(range).ok_or(Refusal::Malformed);
        let id = field(4..12)?.try_into().map(u64::from_le_bytes).map_err(|_| Refusal::Malformed)?;
        let network = field(12..PREFIX_LENGTH)?.try_into().map(NetworkId).map_err(|_| Refusal::Malformed)?;
        let key = match message.len() {
            PREFIX_LENGTH => None,
            FULL_LENGTH => {
                let index = field(28..32)?.try_into().map(u32::from_le_bytes).map_err(|_| Refusal::Malformed)?;
                Some((index, field(32..FULL_LENGTH)?.try_into().map_err(|_| Refusal::Malformed)?))
            }
            _ => return Err(Refusal::Malformed),
        };
        Ok(Self { kind, parameters: [first, second], id, network, key })
    }
}

fn encode(start: [u8; 4], id: u64, network: NetworkId, key: Option<(u32, &[u8; 32])>) -> Vec<u8> {
    let mut message = Vec::with_capacity(FULL_LENGTH);
    message.extend_from_slice(&start);
    message.extend_from_slice(&id.to_le_bytes());
    message.extend_from_slice(&network.0);
    if let Some((index, public)) = key {
        message.extend_from_slice(&index.to_le_bytes());
        message.extend_from_slice(public);
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    const AES: Cipher = Cipher::Aes256Gcm;
    const CHACHA: Cipher = Cipher::ChaCha20Poly1305;

    fn initiation(ciphers: Vec<Cipher>) -> Initiation {
        Initiation { id: 7, network: NetworkId([3; 16]), index: 9, public: [5; 32], ciphers }
    }

    #[test]
    fn messages_read_back() {
        for ciphers in [vec![AES, CHACHA], vec![CHACHA, AES], vec![AES], vec![CHACHA]] {
            let initiation = initiation(ciphers);
            assert_eq!(Initiation::decode(&initiation.encode()), Ok(initiation));
        }
        let network = NetworkId([3; 16]);
        let accept = Reply::Accept { id: 7, network, index: 9, public: [5; 32], cipher: CHACHA };
        assert_eq!(Reply::decode(&accept.encode()), Some(accept));
        for reason in Refusal::ALL {
            let refuse = Reply::Refuse { id: 7, network, reason };
            assert_eq!(Reply::decode(&refuse.encode()), Some(refuse));
        }
    }

    #[test]
    fn a_refusal_names_what_it_refuses_if_that_can_be_read() {
        let message = initiation(vec![AES]).encode();
        let refusal = |message: &[u8]| Reply::refuse(message, Refusal::Malformed);
        let (known, unknown) = (NetworkId([3; 16]), NetworkId([0; 16]));
        assert_eq!(refusal(&message), Reply::Refuse { id: 7, network: known, reason: Refusal::Malformed });
        assert_eq!(refusal(&message[..20]), Reply::Refuse { id: 7, network: unknown, reason: Refusal::Malformed });
        assert_eq!(refusal(&[]), Reply::Refuse { id: 0, network: unknown, reason: Refusal::Malformed });
    }

    #[test]
    fn other_lengths_kinds_and_versions_are_refused() {
        let message = initiation(vec![AES]).encode();
        for length in 0..message.len() {
            assert_eq!(Initiation::decode(&message[..length]), Err(Refusal::Malformed));
        }
        let mut other = message.clone();
        other[0] = 2;
        assert_eq!(Initiation::decode(&other), Err(Refusal::Version));
        assert_eq!(Reply::decode(&message), None);
    }

    #[test]
    fn aes_is_taken_only_where_both_like_it_best() {
        assert_eq!(choose_cipher(&[AES, CHACHA], &[AES, CHACHA]), Some(AES));
        assert_eq!(choose_cipher(&[AES, CHACHA], &[CHACHA, AES]), Some(CHACHA));
        assert_eq!(choose_cipher(&[CHACHA, AES], &[AES]), Some(AES));
        assert_eq!(choose_cipher(&[CHACHA], &[AES]), None);
    }
}
