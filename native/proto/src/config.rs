//! The settings of a [`Node`](crate::Node), and the ciphers it may use.

use std::time::Duration;

use crate::NodeId;

/// Random bytes come in as an argument: fills the slice it is given.
pub type Entropy = Box<dyn FnMut(&mut [u8]) + Send>;

/// An authenticated cipher for the packets of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cipher {
    Aes256Gcm,
    ChaCha20Poly1305,
}

/// What a node is told once, at its start.
#[derive(Clone, Debug)]
pub struct Config {
    pub node: NodeId,
    /// Ciphers it accepts, in order of preference.
    pub ciphers: Vec<Cipher>,
    /// Longest inner packet, in bytes.
    pub mtu: u16,
    /// Age at which a session that is in use gets a successor.
    pub rekey_after: Duration,
    /// Packets sent after which a session gets a successor.
    pub rekey_after_packets: u64,
    /// Age at which a session is no longer used at all.
    pub reject_after: Duration,
    /// How long the answer to a handshake may take.
    pub handshake_timeout: Duration,
    /// Pause after the first failed handshake; it doubles with each further failure.
    pub retry_after: Duration,
    /// Longest pause between two handshakes.
    pub retry_limit: Duration,
    /// How long a packet waits for a session.
    pub wait_limit: Duration,
    /// A peer that has been sent packets and is silent for so long gets a new session over every path.
    pub silence_limit: Duration,
    /// Whether packets go through relays only, whatever direct path there may be.
    pub relayed_only: bool,
    /// What may be sent, in bytes a second with the headers of IP and UDP; no limit where nothing is said.
    pub bytes_per_second: Option<u64>,
}

impl Config {
    /// The settings every node of the network uses, unless a test says otherwise.
    pub fn new(node: NodeId) -> Self {
        Self {
            node,
            ciphers: Cipher::by_preference(),
            mtu: 1420,
            rekey_after: Duration::from_secs(120),
            rekey_after_packets: 1 << 40,
            reject_after: Duration::from_secs(180),
            handshake_timeout: Duration::from_secs(5),
            retry_after: Duration::from_millis(500),
            retry_limit: Duration::from_secs(10),
            wait_limit: Duration::from_secs(10),
            silence_limit: Duration::from_secs(6),
            relayed_only: false,
            bytes_per_second: None,
        }
    }

    /// Has sessions get successors at another age, and end long enough after that for a handshake to be repeated.
    #[must_use]
    pub fn renewing_after(self, age: Duration) -> Self {
        let reject_after = age + (age / 2).max(self.handshake_timeout * 2);
        Self { rekey_after: age, reject_after, ..self }
    }
}

impl Cipher {
    /// Every cipher, the fastest on this machine first: AES only where the processor has instructions for it.
    pub fn by_preference() -> Vec<Self> {
        if has_aes_instructions() {
            vec![Self::Aes256Gcm, Self::ChaCha20Poly1305]
        } else {
            vec![Self::ChaCha20Poly1305, Self::Aes256Gcm]
        }
    }

    /// The name for people and for settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aes256Gcm => "aes-256-gcm",
            Self::ChaCha20Poly1305 => "chacha20-poly1305",
        }
    }

    /// The cipher of a [`name`](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Aes256Gcm, Self::ChaCha20Poly1305].into_iter().find(|cipher| cipher.name() == name)
    }

    pub(crate) fn wire_bit(self) -> u8 {
        match self {
            Self::Aes256Gcm => 1,
            Self::ChaCha20Poly1305 => 2,
        }
    }

    pub(crate) fn from_wire_bit(bit: u8) -> Option<Self> {
        [Self::Aes256Gcm, Self::ChaCha20Poly1305].into_iter().find(|cipher| cipher.wire_bit() == bit)
    }
}

#[cfg(target_arch = "x86_64")]
fn has_aes_instructions() -> bool {
    std::arch::is_x86_feature_detected!("aes") && std::arch::is_x86_feature_detected!("pclmulqdq")
}

#[cfg(target_arch = "aarch64")]
fn has_aes_instructions() -> bool {
    std::arch::is_aarch64_feature_detected!("aes") && std::arch::is_aarch64_feature_detected!("pmull")
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn has_aes_instructions() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_that_are_renewed_more_often_still_outlive_a_handshake() {
        let config = Config::new(NodeId([1; 20]));
        let usual = config.clone().renewing_after(config.rekey_after);
        assert_eq!((usual.rekey_after, usual.reject_after), (config.rekey_after, config.reject_after));
        let often = config.clone().renewing_after(Duration::from_secs(1));
        assert_eq!(often.rekey_after, Duration::from_secs(1));
        assert!(often.reject_after >= often.rekey_after + config.handshake_timeout);
    }

    #[test]
    fn ciphers_are_found_by_name_and_by_wire_bit() {
        for cipher in Cipher::by_preference() {
            assert_eq!(Cipher::from_name(cipher.name()), Some(cipher));
            assert_eq!(Cipher::from_wire_bit(cipher.wire_bit()), Some(cipher));
        }
        assert_eq!(Cipher::from_name("rot13"), None);
        assert_eq!(Cipher::from_wire_bit(3), None);
    }
}
