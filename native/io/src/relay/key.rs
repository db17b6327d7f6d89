//! The key by which relays know a node's packets.

use aws_lc_rs::digest;
use iroh::SecretKey;

const DOMAIN: &[u8] = b"golem-vpn packet key 1\0";

/// Derives the packet key from the secret of the control endpoint, which is connected to relays by its own key already.
pub(crate) fn packet_key(endpoint_secret: &[u8; 32]) -> SecretKey {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(DOMAIN);
    context.update(endpoint_secret);
    let derived = context.finish();
    SecretKey::from_bytes(derived.as_ref().try_into().expect("SHA-256 gives 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_always_the_same_and_not_the_endpoints() {
        let secret = [7; 32];
        assert_eq!(packet_key(&secret).public(), packet_key(&secret).public());
        assert_ne!(packet_key(&secret).public(), SecretKey::from_bytes(&secret).public());
        assert_ne!(packet_key(&secret).public(), packet_key(&[8; 32]).public());
    }
}
