"""A requestor's and a provider's payment service, each with its database, and agreements between them."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import msgspec

from golem_vpn import moments
from golem_vpn.net.control import Control
from golem_vpn.net.memory import MemoryWire
from golem_vpn.payment import platforms
from golem_vpn.payment.driver import Driver
from golem_vpn.payment.journal import EventQuery
from golem_vpn.payment.ledger import LedgerDriver
from golem_vpn.payment.service import PaymentService
from golem_vpn.payment.terms import address_key
from golem_vpn.store.agreements import AgreementRepository, AgreementState, Role, StoredAgreement
from golem_vpn.store.database import Database
from golem_vpn.store.payment import Allocation, Document, DocumentState, Kind, PaymentRepository, Step
from tests.unit.net.kit import Node, eventually_is, make_node, running

HOLESKY, HOODI = "erc20-holesky-tglm", "erc20-hoodi-tglm"
DUE = moments.parse("2999-01-01")
NEVER = 3600.0
"""A patience that outlasts every test."""


def make_ledger(control: Control, database: Database) -> LedgerDriver:
    """Makes a ledger for two platforms."""
    known = [platforms.parse(name) for name in (HOLESKY, HOODI)]
    return LedgerDriver(PaymentRepository(database), control.identities, known)


def make_payments(
    control: Control, database: Database, patience: float = NEVER, driver: Driver | None = None
) -> PaymentService:
    """Makes the payment service of a node."""
    return PaymentService(control, database, [driver or make_ledger(control, database)], patience)


@dataclass
class Party:
    """A daemon that pays, or is paid."""

    node: Node
    database: Database
    service: PaymentService

    @property
    def id(self) -> str:
        return self.node.id

    async def allocate(self, total: str, **options: Any) -> Allocation:
        return await self.service.allocations.create(self.id, Decimal(total), **options)

    async def remaining(self, allocation: Allocation) -> Decimal:
        kept = await self.service.allocations.show(self.id, allocation.id)
        return kept.total - kept.spent

    async def states(self, kind: Kind = Kind.INVOICE) -> list[DocumentState]:
        return [document.state for document in await self.service.documents(self.id, kind)]

    async def received(self, *document_ids: str, kind: Kind = Kind.INVOICE) -> list[Document]:
        """Waits until documents are there."""

        async def ids() -> set[str]:
            return {document.id for document in await self.service.documents(self.id, kind)}

        await eventually_is(set(document_ids), ids)
        return [await self.service.document(self.id, kind, document_id) for document_id in document_ids]

    async def becomes(self, state: DocumentState, document_id: str, kind: Kind = Kind.INVOICE) -> Document:
        """Waits until a document stands somewhere."""

        async def current() -> DocumentState:
            return (await self.service.document(self.id, kind, document_id)).state

        await eventually_is(state, current)
        return await self.service.document(self.id, kind, document_id)

    async def steps(self, kind: Kind = Kind.INVOICE, **options: Any) -> list[Step]:
        """Lists everything that happened."""
        query = EventQuery(owner_id=self.id, kind=kind, steps={role: tuple(Step) for role in Role}, **options)
        return [event.step for event in await self.service.journal.events(query, 0)]


@dataclass
class Trade:
    """What the daemons of a test live in."""

    directory: Path
    wire: MemoryWire = field(default_factory=MemoryWire)

    @asynccontextmanager
    async def party(self, name: str, *, patience: float = NEVER, driver: Driver | None = None) -> AsyncIterator[Party]:
        """Runs a daemon."""
        database = Database(self.directory / "data" / name / "golem-vpn.db")
        await database.open()
        node = make_node(self.wire, self.directory, name)
        try:
            service = make_payments(node.control, database, patience, driver)
            await service.open()
            async with anyio.create_task_group() as tasks, running(node):
                tasks.start_soon(service.run)
                yield Party(node, database, service)
                tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await database.close()

    @asynccontextmanager
    async def pair(self, **options: Any) -> AsyncIterator[tuple[Party, Party]]:
        """Runs a requestor and a provider that know where the other is."""
        async with self.party("alice", **options) as alice, self.party("bob") as bob:
            alice.node.knows(bob.node)
            bob.node.knows(alice.node)
            yield alice, bob


async def agree(requestor: Party, provider: Party, **changes: Any) -> StoredAgreement:
    """Stores an agreement on both sides, and gives the provider's view."""
    now = moments.now()
    view = StoredAgreement(
        id=secrets.token_hex(32),
        role=Role.REQUESTOR,
        requestor_id=requestor.id,
        provider_id=provider.id,
        demand_id="demand",
        demand_properties={address_key(HOLESKY): requestor.id},
        offer_id="offer",
        offer_properties=provider.service.account_properties(),
        created=now,
        valid_to=now + timedelta(hours=1),
        state=AgreementState.APPROVED,
        approved=now,
    )
    view = msgspec.structs.replace(view, **changes)
    await AgreementRepository(requestor.database, Role.REQUESTOR).add(view)
    view = msgspec.structs.replace(view, role=Role.PROVIDER)
    await AgreementRepository(provider.database, Role.PROVIDER).add(view)
    return view
