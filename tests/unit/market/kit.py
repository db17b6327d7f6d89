"""A requestor and a provider who negotiate, in the words that tests use."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import anyio

from golem_vpn import moments
from golem_vpn.market.documents import Agreement, AgreementEvent, MarketEvent, Proposal, ProposalEvent
from golem_vpn.store.agreements import AgreementState, Role
from tests.unit.provider.kit import Provider, Requestor

Side = Requestor | Provider

DEMAND = {"golem.srv.comp.expiration": 1_800_000_000_000, "golem.node.debug.subnet": "test"}
OFFER = {"golem.node.debug.subnet": "test", "golem.inf.mem.gib": 4.0, "golem.runtime.capabilities": ["vpn"]}
WISH = "(&(golem.inf.mem.gib>=2)\n\t(golem.runtime.capabilities=vpn))"
CONDITION = "(golem.node.debug.subnet=test)"


async def demand(alice: Requestor, properties: dict[str, Any] = DEMAND, constraints: str = WISH) -> str:
    return await alice.market.demands.create(alice.id, properties, constraints)


async def offer(bob: Provider, properties: dict[str, Any] = OFFER, constraints: str = CONDITION) -> str:
    return await bob.market.offers.create(bob.id, properties, constraints)


async def news(side: Side, subscription_id: str, timeout: float = 20.0, max_events: int = 20) -> list[MarketEvent]:
    service = side.market.demands if isinstance(side, Requestor) else side.market.offers
    return await service.events(side.id, subscription_id, timeout, max_events)


async def proposed(side: Side, subscription_id: str) -> Proposal:
    """Waits for the one proposal that is new."""
    [event] = await news(side, subscription_id)
    assert isinstance(event, ProposalEvent)
    return event.proposal


async def asked(bob: Provider, offer_id: str) -> Agreement:
    """Waits for the one agreement that a requestor proposes."""
    [event] = await news(bob, offer_id)
    assert isinstance(event, AgreementEvent)
    return event.agreement


async def negotiated(alice: Requestor, demand_id: str, bob: Provider, offer_id: str) -> Proposal:
    """Brings the two to the provider's draft, which an agreement can be made of."""
    match = await proposed(alice, demand_id)
    await alice.market.demands.counter(alice.id, demand_id, match.proposal_id, DEMAND, WISH)
    wish = await proposed(bob, offer_id)
    await bob.market.offers.counter(bob.id, offer_id, wish.proposal_id, OFFER, CONDITION)
    return await proposed(alice, demand_id)


async def created(alice: Requestor, proposal: Proposal, seconds: float = 3600) -> str:
    """Makes an agreement of a provider's draft."""
    valid_to = moments.now() + timedelta(seconds=seconds)
    return await alice.agreements.create(alice.id, proposal.proposal_id, valid_to)


async def states(alice: Requestor, bob: Provider, agreement_id: str) -> list[AgreementState]:
    """Gives where an agreement stands, for the requestor and for the provider."""
    return [
        (await alice.market.agreements.show(alice.id, agreement_id, Role.REQUESTOR)).state,
        (await bob.market.agreements.show(bob.id, agreement_id, Role.PROVIDER)).state,
    ]


@asynccontextmanager
async def settling(side: Side) -> AsyncIterator[None]:
    """Lets a daemon do what it does in the background."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(side.market.run)
        yield
        tasks.cancel_scope.cancel()
