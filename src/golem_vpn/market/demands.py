"""The demands of this node's requestors: each meets every offer that fits it, once."""

from collections.abc import Iterable, Sequence
from typing import Any

import structlog

from golem_vpn import moments
from golem_vpn.errors import InvalidInput
from golem_vpn.market import constraints as constraint_language
from golem_vpn.market import properties as property_rules
from golem_vpn.market.documents import Demand, MarketEvent, Proposal, demand_document, proposal_document
from golem_vpn.market.ids import id_of, initial_key, new_subscription_id
from golem_vpn.market.matching import Matcher
from golem_vpn.market.negotiation import Negotiation
from golem_vpn.market.ports import Board
from golem_vpn.market.signed_offer import Offer
from golem_vpn.market.subscriptions import LIFETIME, News, Resolver, Subscription, Subscriptions
from golem_vpn.store.market import (
    MarketEventKind,
    MarketRepository,
    ProposalState,
    StoredMarketEvent,
    StoredProposal,
    StoredSubscription,
)
from golem_vpn.store.roles import Role

log = structlog.get_logger()


class DemandService:
    """The market for requestors."""

    def __init__(
        self,
        repository: MarketRepository,
        subscriptions: Subscriptions,
        negotiation: Negotiation,
        resolve: Resolver,
        board: Board,
    ) -> None:
        self._repository = repository
        self._subscriptions = subscriptions
        self._negotiation = negotiation
        self._resolve = resolve
        self._board = board
        self._matcher = Matcher()
        self._met: dict[str, set[str]] = {}
        """The offers that each demand has met already."""
        self._fitting: dict[str, dict[str, None]] = {}
        """The offers that each demand is yet to meet, in the order of their coming."""

    async def open(self) -> None:
        """Recalls the demands, and from now on follows the board."""
        for subscription in self._subscriptions:
            self._met[subscription.id] = await self._repository.negotiated_with(subscription.id)
            self._match(subscription.stored)
        self._take_changes(list(self._board.offers.values()), [])
        self._board.on_change(self._take_changes)

    async def create(self, identity: str, properties: dict[str, Any], constraints: str) -> str:
        """Makes a demand and gives its id.

        Raises:
            InvalidInput: the properties or constraints are malformed.
            Overloaded: there are too many demands.
        """
        now = moments.now()
        constraint_language.parse(constraints)
        demand = StoredSubscription(
            id=new_subscription_id(),
            role=Role.REQUESTOR,
            identity=identity,
            properties=property_rules.check(properties),
            constraints=constraints,
            created=now,
            expires=now + LIFETIME,
        )
        await self._subscriptions.add(demand)
        self._match(demand)
        return demand.id

    async def remove(self, identity: str, demand_id: str) -> None:
        """Takes a demand back; a poll that waits for its news ends at once.

        Raises:
            NotFound: there is none of that id.
            Forbidden: it is another identity's.
        """
        await self._remove(self._subscriptions.own(identity, demand_id))

    async def remove_idle(self) -> None:
        """Takes the demands back that their owners have forgotten."""
        for subscription in self._subscriptions.idle():
            await self._remove(subscription)

    async def events(
        self, identity: str, demand_id: str, timeout: float = 5.0, max_events: int = 20
    ) -> list[MarketEvent]:
        """Gives what is new, once there is something or the time is over; what was given before is done with.

        Raises:
            NotFound: there is no such demand, or not any more.
            Forbidden: it is another identity's.
        """
        return await self._subscriptions.events(
            identity, demand_id, timeout, max_events, self._resolve, self._new_matches
        )

    async def counter(
        self, identity: str, demand_id: str, proposal_id: str, properties: dict[str, Any], constraints: str
    ) -> str:
        """Answers a provider's proposal by another one, and gives its id; a second answer starts a new round.

        Raises:
            NotFound: there is no such demand or proposal.
            Forbidden: the demand is another identity's, or the provider does not take it.
            InvalidInput: the proposal is an own one, or the new one is malformed.
            Gone: the proposal was rejected, or the offer is there no more.
            Conflict: the provider takes no more proposals.
        """
        subscription = self._subscriptions.own(identity, demand_id)
        return await self._negotiation.counter(subscription, proposal_id, properties, constraints)

    async def show(self, identity: str, demand_id: str, proposal_id: str) -> Proposal:
        """Gives a proposal about a demand, an own one or a provider's.

        Raises:
            NotFound: there is no such demand or proposal.
            Forbidden: the demand is another identity's.
        """
        subscription = self._subscriptions.own(identity, demand_id)
        return proposal_document(await self._negotiation.show(subscription, proposal_id))

    async def reject(
        self, identity: str, demand_id: str, proposal_id: str, reason: dict[str, Any] | None = None
    ) -> None:
        """Says no to a provider's proposal.

        Raises:
            NotFound: there is no such demand or proposal.
            Forbidden: the demand is another identity's.
            InvalidInput: the proposal is an own one, or the reason is too long.
            Conflict: an agreement is being made of it.
            Gone: it was rejected before, or has expired.
        """
        subscription = self._subscriptions.own(identity, demand_id)
        await self._negotiation.reject(subscription, proposal_id, reason)

    def list(self, identity: str) -> list[Demand]:
        """Lists the demands of an identity, oldest first."""
        return [demand_document(one.stored) for one in self._subscriptions if one.stored.identity == identity]

    async def _remove(self, subscription: Subscription) -> None:
        self._matcher.remove_demand(subscription.id)
        self._met.pop(subscription.id, None)
        self._fitting.pop(subscription.id, None)
        await self._subscriptions.remove(subscription)

    def _match(self, demand: StoredSubscription) -> None:
        self._board.follow()
        met = self._met.setdefault(demand.id, set())
        found = self._matcher.add_demand(demand.id, demand.properties, demand.constraints)
        self._fitting[demand.id] = dict.fromkeys(offer_id for offer_id in found if offer_id not in met)

    def _take_changes(self, added: Sequence[Offer], removed: Sequence[str]) -> None:
        for offer_id in removed:
            self._matcher.remove_offer(offer_id)
        for offer in added:
            self._matcher.remove_offer(offer.id)
            try:
                self._meet(offer.id, self._matcher.add_offer(offer.id, offer.properties, offer.constraints))
            except InvalidInput as error:
                log.info("an offer is malformed", offer_id=offer.id, error=error.message)

    def _meet(self, offer_id: str, demand_ids: Iterable[str]) -> None:
        for demand_id in demand_ids:
            if offer_id not in self._met[demand_id]:
                self._fitting[demand_id][offer_id] = None
                self._subscriptions.ring(demand_id)

    def _new_matches(self, subscription: Subscription, room: int) -> Sequence[News]:
        """Makes proposals of the next offers that fit and are still there."""
        fitting, met = self._fitting.get(subscription.id, {}), self._met.get(subscription.id, set())
        news: list[News] = []
        while fitting and len(news) < room:
            offer_id = next(iter(fitting))
            del fitting[offer_id]
            if (offer := self._board.offers.get(offer_id)) is not None:
                met.add(offer_id)
                news.append(_match_of(subscription.stored, offer))
        return news


def _match_of(demand: StoredSubscription, offer: Offer) -> News:
    now = moments.now()
    proposal = StoredProposal(
        id=id_of(Role.REQUESTOR, initial_key(demand.id, offer.id)),
        subscription_id=demand.id,
        other_subscription_id=offer.id,
        identity=demand.identity,
        other_identity=offer.provider_id,
        issuer_id=offer.provider_id,
        own=False,
        properties=offer.properties,
        constraints=offer.constraints,
        created=now,
        state=ProposalState.INITIAL,
    )
    event = StoredMarketEvent(
        subscription_id=demand.id, date=now, kind=MarketEventKind.PROPOSAL, proposal_id=proposal.id
    )
    return event, proposal
