"""Opens what carries a daemon's control messages and packets, in order, and closes it in the reverse order."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import anyio
import structlog

from golem_vpn.config import Address, Config, RelayConfig
from golem_vpn.net import ticket
from golem_vpn.net.identity import Identities, endpoint_secret
from golem_vpn.net.native_dataplane import NativeDataPlane
from golem_vpn.net.native_endpoint import NativeEndpoint
from golem_vpn.net.native_relay import Certificate, NativeRelay
from golem_vpn.net.node import Node, Profile
from golem_vpn.net.stack_helper import StackHelpers
from golem_vpn.store.database import Database

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Net:
    """What carries control messages and packets."""

    database: Database
    endpoint: NativeEndpoint
    data_plane: NativeDataPlane
    node: Node
    stack_helpers: StackHelpers | None
    """For the kernel's TCP/IP at the gate; there are none where it is to be one in user space."""


@asynccontextmanager
async def open_net(config: Config) -> AsyncIterator[Net]:
    """Opens everything that a daemon's options ask for.

    Raises:
        ConfigurationError: a port or a file cannot be had.
    """
    async with AsyncExitStack() as stack:
        helpers = None if config.user_space_gate else StackHelpers()
        if helpers is not None:
            stack.callback(helpers.end)
        database = Database(config.data_dir / "golem-vpn.db")
        await database.open()
        stack.push_async_callback(_shielded, database.close)
        identities = Identities(config.data_dir / "identities")
        secret = endpoint_secret(config.data_dir / "endpoint.key")
        endpoint = await _endpoint(config, secret)
        stack.push_async_callback(_shielded, endpoint.close)
        data_plane = NativeDataPlane.start(
            identities.default.node_id,
            str(_next_port(config.listen)),
            endpoint,
            relayed_only=config.relayed_only,
            options=config.packets,
        )
        stack.callback(data_plane.close)
        data_plane.set_port_mapping(config.port_mapping)
        relay = await _start_relay(config, config.relay) if config.relay is not None else None
        if relay is not None:
            stack.push_async_callback(_shielded, relay.close)
        tickets = ticket.pending(config.data_dir)
        node = await Node.open(_profile(config), identities, endpoint, data_plane, database, tickets, relay=relay)
        for taken in tickets:
            ticket.drop_pending(config.data_dir, taken)
        yield Net(database, endpoint, data_plane, node, helpers)


async def _endpoint(config: Config, secret: bytes) -> NativeEndpoint:
    if config.relayed_only:
        return await NativeEndpoint.relayed_only(secret)
    return await NativeEndpoint.bind(secret, str(config.listen))


def _profile(config: Config) -> Profile:
    roles = (("requestor", True), ("provider", config.provider), ("relay", config.relay is not None))
    return Profile(
        config.name,
        tuple(role for role, on in roles if on),
        config.hub,
        relayed_only=config.relayed_only,
        control_addresses=tuple(map(str, config.public_addresses)),
        packet_addresses=tuple(str(_next_port(address)) for address in config.public_addresses),
        relay_addresses=tuple(map(str, config.relay.public_addresses)) if config.relay else (),
    )


async def _start_relay(config: Config, options: RelayConfig) -> NativeRelay:
    if options.certificate is not None and options.key is not None:
        certificate = Certificate.given(options.certificate, options.key)
    else:
        names = [address.host for address in options.public_addresses] or ["golem-vpn"]
        certificate = Certificate.own(config.data_dir, names)
    relay = await NativeRelay.start(str(options.listen), certificate, options.bytes_per_second)
    _log.info("relay.started", address=relay.address, pin=relay.pin.hex())
    return relay


def _next_port(listen: Address) -> Address:
    """Packets have the port after that of control messages, or any where those have any."""
    return Address(listen.host, listen.port + 1 if listen.port else 0)


async def _shielded(close: Callable[[], Awaitable[None]]) -> None:
    with anyio.CancelScope(shield=True):
        await close()
