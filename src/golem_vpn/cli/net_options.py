"""Options about how a daemon is reached and carries packets: public addresses, relays, policy, cipher."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from golem_vpn.cli.options import PLAIN, check_api_address, check_listen_address
from golem_vpn.config import DEFAULT_RELAY_PORT, Address, PacketOptions, RelayConfig
from golem_vpn.errors import ConfigurationError, InvalidInput

LEAST_BYTES_PER_SECOND = 10_000
"""Control connections need as much."""
MOST_BYTES_PER_SECOND = 2**32 - 1
MOST_WORKERS = 64
LEAST_MEGABITS = 0.1
MOST_MEGABITS = 1_000_000
BYTES_PER_MEGABIT = 125_000


def check_relay_listen(_type: object, text: str | None) -> None:
    """Lets wrong usage be told as such; a relay listens at an address of digits."""
    if text is not None:
        check_api_address(_type, text)
        ipaddress.ip_address(Address.parse(text).host)


def check_public_addresses(_type: object, texts: Sequence[str]) -> None:
    """Lets wrong usage be told as such; other nodes dial an address of digits."""
    for text in texts:
        check_listen_address(_type, text)
        if not Address.parse(text).port:
            raise ValueError("a public address needs the port at which it is reached")


def check_public_relays(_type: object, texts: Sequence[str]) -> None:
    """Lets wrong usage be told as such; a relay may have a name."""
    from golem_vpn.net.relay_address import check_relay_address

    for text in texts:
        try:
            check_relay_address(text)
        except InvalidInput as error:
            raise ValueError(error.message) from None


RelayListen = Annotated[str | None, Parameter(validator=check_relay_listen)]
BytesPerSecond = Annotated[
    int | None, Parameter(validator=Number(gte=LEAST_BYTES_PER_SECOND, lte=MOST_BYTES_PER_SECOND))
]
Feature = Literal["tun-offload", "tun-udp-offload", "udp-gso", "udp-gro", "receive-batch", "gathering", "priority"]
PublicRelays = Annotated[tuple[str, ...], Parameter(validator=check_public_relays, negative="", show_default=False)]


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Reach:
    """How a daemon is reached."""

    relayed_only: Annotated[bool, PLAIN] = False
    """Show no address of this node to others: packets and control messages go through relays alone."""
    port_mapping: bool = False
    """Ask this network's router (UPnP, PCP, NAT-PMP) to open the packet port."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Packets:
    """How a daemon carries packets."""

    cipher: Literal["aes-256-gcm", "chacha20-poly1305"] | None = None
    """The only cipher of packets, which other nodes have to allow too; by default the faster one that both have."""
    low_latency: Annotated[bool, PLAIN] = False
    """Pass packets on sooner, at the cost of processor time under traffic: stay awake for a moment after each packet,
    and run before other programs that want the processors, where the system permits it."""
    packet_workers: Annotated[int | None, Parameter(validator=Number(gte=0, lte=MOST_WORKERS))] = None
    """Threads that seal and open packets beside the packet thread: by default none on up to two processors or with
    --low-latency, otherwise half of the processors, and four at most."""
    upload_limit: Annotated[float | None, Parameter(validator=Number(gte=LEAST_MEGABITS, lte=MOST_MEGABITS))] = None
    """What to send at most, in Mbit/s. A little less than the line carries: then packets wait here, in an order that is
    fair to all connections, instead of in the router, and a call stays good beside an upload."""
    without: Annotated[tuple[Feature, ...], Parameter(negative="", show_default=False)] = ()
    """For measuring what each technique is worth: leave one out. Repeat for several."""
    rekey_after: Annotated[float | None, Parameter(validator=Number(gte=1))] = None
    """For measuring: seconds after which a session gets new keys, 120 by default."""

    def configuration(self) -> PacketOptions:
        """Gives what the daemon is told of it."""
        limit = None if self.upload_limit is None else int(self.upload_limit * BYTES_PER_MEGABIT)
        return PacketOptions(self.cipher, self.low_latency, self.packet_workers, limit, self.without, self.rekey_after)


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class OwnRelay:
    """The relay that a daemon runs."""

    relay: bool | None = None
    """Run a relay, through which nodes talk that cannot reach each other; a hub does unless told otherwise."""
    relay_listen: RelayListen = None
    """Where the relay listens, HOST:PORT (TCP, and UDP of the same number): by default the host of --listen and port
    7464, or any free port where --listen takes any. 443 passes the strictest firewalls."""
    relay_certificate: Path | None = None
    """The relay's certificate, PEM; without one, it makes its own and keeps it. Nodes know it by its hash."""
    relay_key: Path | None = None
    """The key of that certificate, PEM, mode 0600."""
    relay_bytes_per_second: BytesPerSecond = None
    """What each node may send through the relay; no limit by default."""
    relay_public_address: PublicRelays = ()
    """Where others reach the relay, HOST:PORT, if not at this machine's addresses; by default the hosts of
    --public-address with the relay's own port. Repeat for several."""

    def configuration(self, hub: bool, listen: Address, public: Sequence[Address]) -> RelayConfig | None:
        """Gives the relay's options, if there is to be one."""
        if not (hub if self.relay is None else self.relay):
            return None
        at = Address.parse(self.relay_listen) if self.relay_listen else default_relay_address(listen)
        known = tuple(Address.parse(text) for text in self.relay_public_address)
        known = known or tuple(Address(address.host, at.port) for address in public if at.port)
        return relay_configuration(at, self.relay_certificate, self.relay_key, self.relay_bytes_per_second, known)


def default_relay_address(listen: Address) -> Address:
    """Gives where a relay listens that is told nothing."""
    return Address(listen.host, DEFAULT_RELAY_PORT if listen.port else 0)


def relay_configuration(
    listen: Address,
    certificate: Path | None,
    key: Path | None,
    bytes_per_second: int | None,
    public_addresses: tuple[Address, ...],
) -> RelayConfig:
    """Gives the options of a relay.

    Raises:
        ConfigurationError: there is a certificate without its key, or a key without its certificate.
    """
    if (certificate is None) != (key is None):
        raise ConfigurationError("a certificate needs its key, and a key its certificate: name both or none")
    return RelayConfig(listen, certificate, key, bytes_per_second, public_addresses)
