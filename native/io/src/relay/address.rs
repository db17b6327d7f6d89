//! Where a relay is, and by which certificate it is known.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use aws_lc_rs::digest;
use iroh::RelayUrl;

use super::names;

const SCHEME: &str = "https://";
const PIN_MARK: &str = "#sha256=";
const PASS_MARK: &str = "&pass=";
const LONGEST_PASS: usize = 64;
const DEFAULT_PORT: u16 = 443;

/// The SHA-256 of a certificate's DER, by which a relay is told from whoever else answers at its address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pin([u8; 32]);

/// A relay, in text `https://HOST:PORT#sha256=HEX`.
///
/// Without a pin its certificate has to be one of a public authority. A *pass*, `&pass=TEXT` after the pin, lets a guest in
/// for a moment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelayAddress {
    host: String,
    port: u16,
    pin: Option<Pin>,
    pass: Option<String>,
}

/// A text that is no address of a relay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected https://HOST:PORT#sha256=HEX, got {0:?}")]
pub struct UnreadableRelay(String);

impl Pin {
    pub fn of(certificate: &[u8]) -> Self {
        let digest = digest::digest(&digest::SHA256, certificate);
        Self(digest.as_ref().try_into().expect("SHA-256 gives 32 bytes"))
    }
}

impl RelayAddress {
    /// The address by which the relay is dialled; a host that is an IPv6 address is spelled as a name in it.
    pub fn url(&self) -> RelayUrl {
        let host = self.dialled_host();
        format!("{SCHEME}{host}:{}", self.port).parse().expect("parsed as an address of a relay before")
    }

    /// The name that the relay's certificate is asked for under.
    pub(super) fn dialled_host(&self) -> String {
        let literal = self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        match literal.and_then(|host| host.parse::<Ipv6Addr>().ok()) {
            Some(address) => names::spell(address),
            None => self.host.clone(),
        }
    }

    pub(super) fn pin(&self) -> Option<Pin> {
        self.pin
    }

    pub(crate) fn pass(&self) -> Option<&str> {
        self.pass.as_deref()
    }
}

impl FromStr for Pin {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = text.as_bytes();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(());
        }
        let mut pin = [0; 32];
        for (byte, pair) in pin.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| ())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| ())?;
        }
        Ok(Self(pin))
    }
}

impl FromStr for RelayAddress {
    type Err = UnreadableRelay;

    fn from_str(text: &str) -> Result<Self, UnreadableRelay> {
        let unreadable = || UnreadableRelay(text.to_owned());
        let (place, pin, pass) = match text.find('#') {
            None => (text, None, None),
            Some(start) => {
                let marked = text[start..].strip_prefix(PIN_MARK).ok_or_else(unreadable)?;
                let (pin, pass) = marked.split_once(PASS_MARK).map_or((marked, None), |(pin, pass)| (pin, Some(pass)));
                (&text[..start], Some(pin.parse().map_err(|()| unreadable())?), pass)
            }
        };
        if pass.is_some_and(|pass| !is_pass(pass)) {
            return Err(unreadable());
        }
        let authority = place.strip_prefix(SCHEME).ok_or_else(unreadable)?;
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        let (host, port) = host_and_port(authority).ok_or_else(unreadable)?;
        let address = Self { host: host.to_ascii_lowercase(), port, pin, pass: pass.map(str::to_owned) };
        // What this URL means must be the host and nothing else: no path, no user.
        let url: RelayUrl = format!("{SCHEME}{host}:{port}").parse().map_err(|_| unreadable())?;
        let is_plain = url.path() == "/" && url.username().is_empty() && url.query().is_none();
        if is_plain && url.host_str().is_some_and(|host| host == address.host) {
            Ok(address)
        } else {
            Err(unreadable())
        }
    }
}

/// Whether a text can be said to a relay as it is.
pub(super) fn is_pass(text: &str) -> bool {
    (1..=LONGEST_PASS).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Splits at the colon of the port, which an IPv6 address in brackets has others before.
fn host_and_port(authority: &str) -> Option<(&str, u16)> {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => Some((host, port.parse().ok().filter(|port| *port > 0)?)),
        _ => Some((authority, DEFAULT_PORT)),
    }
}

impl fmt::Display for RelayAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{SCHEME}{}:{}", self.host, self.port)?;
        self.pin.map_or(Ok(()), |pin| write!(formatter, "{PIN_MARK}{pin}"))?;
        self.pass.as_ref().map_or(Ok(()), |pass| write!(formatter, "{PASS_MARK}{pass}"))
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Pin({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIN: &str = "00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff";

    #[test]
    fn an_address_is_written_as_it_was_read() {
        for host in ["192.0.2.1:7464", "[2001:db8::1]:443", "relay.example.org:7464"] {
            for rest in ["".to_owned(), format!("#sha256={PIN}"), format!("#sha256={PIN}&pass=a-B_3")] {
                let text = format!("https://{host}{rest}");
                assert_eq!(text.parse::<RelayAddress>().unwrap().to_string(), text);
            }
        }
        let short: RelayAddress = "https://relay.example.org/".parse().unwrap();
        assert_eq!(short.to_string(), "https://relay.example.org:443");
    }

    #[test]
    fn an_ipv6_address_is_dialled_by_a_name() {
        let address: RelayAddress = "https://[2001:db8::1]:7464".parse().unwrap();
        assert_eq!(names::read(&address.dialled_host()), Some("2001:db8::1".parse().unwrap()));
        assert_eq!(address.url().port(), Some(7464));
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        let short = &PIN[1..];
        for text in [
            "",
            "https://",
            "https://:7",
            "http://192.0.2.1:80",
            "https://192.0.2.1:0",
            "https://192.0.2.1:7/path",
            "https://user@192.0.2.1:7",
            "https://192.0.2.1:7?query",
            "https://192.0.2.1:7#",
            &format!("https://192.0.2.1:7#sha256={short}"),
            &format!("https://192.0.2.1:7#sha256=+{short}"),
            &format!("https://192.0.2.1:7#sha256={PIN}&pass="),
            &format!("https://192.0.2.1:7#sha256={PIN}&pass=a b"),
            "https://192.0.2.1:7#pass=a",
        ] {
            assert_eq!(text.parse::<RelayAddress>(), Err(UnreadableRelay(text.to_owned())), "{text}");
        }
    }
}
