"""How a relay is written: `https://HOST:PORT#sha256=HEX`, where it listens and what its certificate's hash is.

A relay may be reached at several addresses. Records name the one that it prefers; the certificate tells that two
addresses are of one relay, so that a node keeps a single connection to it, at the address that is good from there.
"""

import functools
import ipaddress
import re
from collections.abc import Iterable, Sequence

import msgspec

from golem_vpn.config import Address
from golem_vpn.errors import ConfigurationError, InvalidInput

PIN_LENGTH = 32
MAX_RELAYS = 4
"""How many relays a node is connected to."""
MAX_RELAY_ADDRESSES = 4
MAX_REMEMBERED = 64

GUEST_MARK = "&pass="
"""What a guest says to a relay follows this mark; only the endpoint that dials the relay ever sees it."""

_SCHEME = "https://"
_TEXT = re.compile(r"https://(?P<address>[^#/?@]+)#sha256=(?P<pin>[0-9a-f]{64})", re.ASCII)
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", re.ASCII)
_DIGITS = re.compile(r"[0-9.]+")


class RelayOffer(msgspec.Struct, frozen=True, array_like=True):
    """Where a relay listens, the best address first, and the SHA-256 of its certificate."""

    pin: bytes
    addresses: tuple[str, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """The relay as text, once for each address."""
        return tuple(relay_text(address, self.pin) for address in self.addresses)


def relay_text(address: str, pin: bytes) -> str:
    """Writes a relay as one text."""
    return f"{_SCHEME}{address}#sha256={pin.hex()}"


def is_relay(text: str) -> bool:
    """Tells whether a control address is a relay's, not an IP address."""
    return text.startswith(_SCHEME)


@functools.lru_cache(MAX_REMEMBERED)
def parse_relay(text: str) -> RelayOffer:
    """Reads a relay's text, of one address; those of the own relays are read twice a second.

    Raises:
        InvalidInput: it is none.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        raise InvalidInput(f"a relay is written https://HOST:PORT#sha256=HEX, got {text[:120]!r}")
    check_relay_address(match["address"])
    return RelayOffer(bytes.fromhex(match["pin"]), (match["address"],))


def check_relay_address(text: str) -> None:
    """Checks that a text is `HOST:PORT` in its one written form; the host is an IP address or a name.

    Raises:
        InvalidInput: it is not.
    """
    try:
        address = Address.parse(text)
    except ConfigurationError:
        raise InvalidInput(f"expected HOST:PORT, got {text[:64]!r}") from None
    if str(address) != text or not address.port or not (_is_ip(address.host) or _is_name(address.host)):
        raise InvalidInput(f"expected HOST:PORT with an IP address or a name in small letters, got {text[:64]!r}")


def check_offer(offer: RelayOffer) -> None:
    """Checks the form of an offer.

    Raises:
        InvalidInput: it is not as it must be.
    """
    if len(offer.pin) != PIN_LENGTH or not 1 <= len(offer.addresses) <= MAX_RELAY_ADDRESSES:
        raise InvalidInput(f"a relay has a pin of {PIN_LENGTH} bytes and 1 to {MAX_RELAY_ADDRESSES} addresses")
    for address in offer.addresses:
        check_relay_address(address)


class RelayNames:
    """Under which address this node reaches each of its relays, whatever others call it."""

    def __init__(self, *, relays_only: bool = False) -> None:
        self._relays_only = relays_only
        self._own: dict[bytes, str] = {}

    def adopt(self, texts: Iterable[str]) -> None:
        """Uses these texts from now on, and no others."""
        self._own = {parse_relay(text).pin: text for text in texts}

    def dialled(self, addresses: Sequence[str]) -> list[str]:
        """Gives the addresses of a node that may be dialled: all, or where this node shows none of its own, relays."""
        return [address for address in self.localize(addresses) if is_relay(address) or not self._relays_only]

    def localize(self, addresses: Sequence[str]) -> list[str]:
        """Gives addresses with each relay under its own name, and each address once."""
        return list(dict.fromkeys(map(self._localize, addresses)))

    def _localize(self, address: str) -> str:
        return self._own.get(parse_relay(address).pin, address) if is_relay(address) else address


def _is_ip(host: str) -> bool:
    try:
        return str(ipaddress.ip_address(host)) == host
    except ValueError:
        return False


def _is_name(host: str) -> bool:
    return _NAME.fullmatch(host) is not None and _DIGITS.fullmatch(host) is None
