"""Builds all of Golem Net for one daemon, over an endpoint and a data plane that are there already."""

from collections.abc import Collection
from dataclasses import dataclass

import anyio

from golem_vpn.net.book import RecordBook
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
from golem_vpn.net.peers import Peers
from golem_vpn.net.records import KeptRecords
from golem_vpn.net.shelf import Shelf
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
    ) -> "Node":
        """Builds the parts and recalls what the database holds; nothing is sent or answered yet."""
        book = RecordBook()
        records = KeptRecords(book, NodeRecordRepository(database))
        await records.open()
        own_record = _own_record(profile, identities, endpoint, topology, book)
        records.keep("own", identities.default.node_id)
        control = Control(endpoint, identities, own_record, book)
        exclusions = Exclusions(ExclusionRepository(database))
        await exclusions.open()
        control.shut_out(exclusions)
        hub = Hub(control, records, exclusions, HubRepository(database)) if profile.hub else None
        directory = Directory(control, records, exclusions, JoinedHubRepository(database), hub)
        peers = Peers(control, topology, directory, records, exclusions)
        documents = NetworkDocumentRepository(database)
        shelf = Shelf(documents)
        herald = Herald(control, shelf, documents)
        membership = Membership(control, topology, peers, shelf, herald, exclusions)
        if hub is not None:
            await hub.open()
        await directory.open(tickets)
        await membership.open()
        return cls(identities, control, hub, directory, peers, membership, exclusions, records, herald)

    async def run(self) -> None:
        """Answers other nodes and keeps up with them, until the endpoint is closed."""
        async with anyio.create_task_group() as tasks:
            for part in (self._records, self.hub, self.directory, self.peers, self.membership, self._herald):
                if part is not None:
                    tasks.start_soon(part.run)
            await self.control.run()
            tasks.cancel_scope.cancel()


def _own_record(
    profile: Profile, identities: Identities, endpoint: Endpoint, topology: Topology, book: RecordBook
) -> OwnRecord:
    """Makes the own record newer than that of the last start, whatever the clock says."""
    last = book.find(identities.default.node_id)
    return OwnRecord(
        identities,
        endpoint.endpoint_id,
        name=profile.name,
        roles=profile.roles,
        control_addresses=lambda: endpoint.addresses,
        packet_addresses=lambda: topology.addresses,
        issued_before=last.record.issued_at if last else 0,
        on_issue=lambda known: book.learn(known.signed),
    )
