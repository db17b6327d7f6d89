"""Builds all of Golem Net for one daemon, over an endpoint and a data plane that are there already."""

from collections.abc import Collection
from dataclasses import dataclass

import anyio

from golem_vpn.net.approach import Approach
from golem_vpn.net.book import RecordBook
from golem_vpn.net.candidates import own_candidates
from golem_vpn.net.control import Control
from golem_vpn.net.dataplane import Topology
from golem_vpn.net.directory import Directory
from golem_vpn.net.endpoint import Endpoint
from golem_vpn.net.exclusions import Exclusions
from golem_vpn.net.herald import Herald
from golem_vpn.net.hub import Hub
from golem_vpn.net.identity import Identities
from golem_vpn.net.membership import Membership
from golem_vpn.net.own_record import OwnRecord
from golem_vpn.net.own_relay import OwnRelay
from golem_vpn.net.peers import Peers
from golem_vpn.net.records import KeptRecords
from golem_vpn.net.reflection import Mirror, Reflectors
from golem_vpn.net.relay_address import RelayNames
from golem_vpn.net.relay_addresses import advertised
from golem_vpn.net.relay_server import RelayServer
from golem_vpn.net.relays import Relays
from golem_vpn.net.shelf import Shelf
from golem_vpn.net.soundings import Sound, sound
from golem_vpn.net.ticket import Ticket
from golem_vpn.store.database import Database
from golem_vpn.store.exclusions import ExclusionRepository
from golem_vpn.store.hubs import HubRepository, JoinedHubRepository
from golem_vpn.store.network_documents import NetworkDocumentRepository
from golem_vpn.store.node_records import NodeRecordRepository


@dataclass(frozen=True)
class Profile:
    """What a node says of itself."""

    name: str
    roles: tuple[str, ...]
    hub: bool
    relayed_only: bool = False
    """Whether it shows no address of its own, and is reached through relays alone."""
    control_addresses: tuple[str, ...] = ()
    """Where its operator says that control messages reach it from outside."""
    packet_addresses: tuple[str, ...] = ()
    """The same of packets."""
    relay_addresses: tuple[str, ...] = ()
    """Where its operator says that the relay is reached which it runs."""


@dataclass(frozen=True)
class Node:
    """The parts of Golem Net, ready for others to register their handlers before it runs."""

    identities: Identities
    control: Control
    hub: Hub | None
    directory: Directory
    peers: Peers
    membership: Membership
    exclusions: Exclusions
    relays: Relays
    own_relay: OwnRelay | None
    mirror: Mirror | None
    _reflectors: Reflectors | None
    _records: KeptRecords
    _herald: Herald

    @classmethod
    async def open(
        cls,
        profile: Profile,
        identities: Identities,
        endpoint: Endpoint,
        topology: Topology,
        database: Database,
        tickets: Collection[Ticket] = (),
        *,
        relay: RelayServer | None = None,
        sound: Sound = sound,
    ) -> "Node":
        """Builds the parts and recalls what the database holds; nothing is sent or answered yet."""
        book = RecordBook()
        records = KeptRecords(book, NodeRecordRepository(database))
        await records.open()
        names = RelayNames(relays_only=profile.relayed_only)
        relays = Relays(endpoint, topology, names, sound)
        own_record = _own_record(profile, identities, endpoint, topology, relays, book)
        records.keep("own", identities.default.node_id)
        control = Control(endpoint, identities, own_record, book, names)
        exclusions = Exclusions(ExclusionRepository(database))
        await exclusions.open()
        control.shut_out(exclusions)
        hub = Hub(control, records, exclusions, HubRepository(database)) if profile.hub else None
        approach = Approach(control, relays)
        directory = Directory(control, records, exclusions, JoinedHubRepository(database), relays, approach, hub)
        peers = Peers(control, topology, directory, records, exclusions)
        documents = NetworkDocumentRepository(database)
        shelf = Shelf(documents)
        herald = Herald(control, shelf, documents)
        membership = Membership(control, topology, peers, shelf, herald, exclusions)
        if hub is not None:
            await hub.open()
            _follow_own_hub(hub, relays, control.node_id)
        own_relay = _own_relay(profile, relay, endpoint, topology, control, directory, hub)
        if own_relay is not None:
            await own_relay.open()
        mirror = _mirror(profile, control, topology, exclusions, hub, own_relay)
        reflectors = None if profile.relayed_only else Reflectors(control, topology, directory)
        await directory.open(tickets)
        await membership.open()
        return cls(
            identities, control, hub, directory, peers, membership, exclusions, relays, own_relay, mirror, reflectors,
            records, herald,
        )  # fmt: skip

    async def run(self) -> None:
        """Answers other nodes and keeps up with them, until the endpoint is closed."""
        async with anyio.create_task_group() as tasks:
            parts = (
                self._records, self.hub, self.directory, self.peers, self.membership, self._herald, self.relays,
                self.own_relay, self._reflectors,
            )  # fmt: skip
            for part in parts:
                if part is not None:
                    tasks.start_soon(part.run)
            await self.control.run()
            tasks.cancel_scope.cancel()


def _own_record(
    profile: Profile,
    identities: Identities,
    endpoint: Endpoint,
    topology: Topology,
    relays: Relays,
    book: RecordBook,
) -> OwnRecord:
    """Makes the own record newer than that of the last start, whatever the clock says."""
    last = book.find(identities.default.node_id)
    shown = not profile.relayed_only

    def control_addresses() -> list[str]:
        direct = [*profile.control_addresses, *endpoint.addresses] if shown else []
        return list(dict.fromkeys([*relays.canonical_home(), *direct]))

    return OwnRecord(
        identities,
        endpoint.endpoint_id,
        name=profile.name,
        roles=profile.roles,
        control_addresses=control_addresses,
        packet_addresses=lambda: own_candidates(topology, profile.packet_addresses) if shown else [],
        relays=lambda: relays.texts,
        carrier_id=endpoint.carrier_id,
        issued_before=last.record.issued_at if last else 0,
        on_issue=lambda known: book.learn(known.signed),
    )


def _follow_own_hub(hub: Hub, relays: Relays, node_id: str) -> None:
    """Lets a hub use the relays of its members, as they do."""
    hub.relays.on_change(lambda: relays.learn(node_id, hub.relays.relays))
    relays.learn(node_id, hub.relays.relays)


def _own_relay(
    profile: Profile,
    server: RelayServer | None,
    endpoint: Endpoint,
    topology: Topology,
    control: Control,
    directory: Directory,
    hub: Hub | None,
) -> OwnRelay | None:
    if server is None:
        return None
    keys = tuple(key for key in (endpoint.endpoint_id, endpoint.carrier_id) if key)

    def addresses() -> tuple[str, ...]:
        # The endpoint of a node that goes through relays only has none.
        return advertised(server.address, profile.relay_addresses, topology.addresses)

    return OwnRelay(server, addresses, keys, control, directory, hub)


def _mirror(
    profile: Profile,
    control: Control,
    topology: Topology,
    exclusions: Exclusions,
    hub: Hub | None,
    own_relay: OwnRelay | None,
) -> Mirror | None:
    """Lets hubs and relays tell others what address they have, unless they must not show their own."""
    if profile.relayed_only or (hub is None and own_relay is None):
        return None

    def may_ask(node_id: str) -> bool:
        member = hub is not None and hub.has_member(node_id)
        return member or (own_relay is not None and own_relay.knows(node_id))

    mirror = Mirror(control, topology, profile.packet_addresses, may_ask)
    exclusions.on_change(mirror.dismiss)
    if hub is not None:
        hub.on_members(lambda node_id: mirror.dismiss((node_id,)))
    return mirror
