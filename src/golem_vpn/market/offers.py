"""The offers of this node's providers: shown on the board, answered by requestors."""

from typing import Any

import structlog

from golem_vpn import moments
from golem_vpn.errors import GolemVpnError
from golem_vpn.market import constraints as constraint_language
from golem_vpn.market import properties as property_rules
from golem_vpn.market import signed_offer
from golem_vpn.market.agreements import AgreementService
from golem_vpn.market.documents import MarketEvent, Offer, Proposal, offer_document, proposal_document
from golem_vpn.market.ids import new_subscription_id
from golem_vpn.market.negotiation import Negotiation
from golem_vpn.market.ports import Board
from golem_vpn.market.subscriptions import LIFETIME, Resolver, Subscription, Subscriptions
from golem_vpn.store.market import StoredSubscription
from golem_vpn.store.roles import Role

log = structlog.get_logger()


class OfferService:
    """The market for providers."""

    def __init__(
        self,
        subscriptions: Subscriptions,
        negotiation: Negotiation,
        agreements: AgreementService,
        resolve: Resolver,
        board: Board,
    ) -> None:
        self._agreements = agreements
        self._subscriptions = subscriptions
        self._negotiation = negotiation
        self._resolve = resolve
        self._board = board

    async def open(self) -> None:
        """Shows the offers again that were shown when the daemon ended."""
        for subscription in self._subscriptions:
            try:
                await self._board.publish(_shown(subscription.stored))
            except GolemVpnError as error:
                log.warning("an offer cannot be shown any more", offer_id=subscription.id, error=error.message)
                await self._subscriptions.remove(subscription)

    async def create(
        self, identity: str, properties: dict[str, Any], constraints: str, *, offer_id: str | None = None
    ) -> str:
        """Makes an offer, shows it to everybody, and gives its id.

        Args:
            identity: The provider's.
            properties: What is offered.
            constraints: What a demand must meet.
            offer_id: A new id, for who has to know the offer before others see it; by default one is made.

        Raises:
            InvalidInput: the properties or constraints are malformed.
            Overloaded: there are too many offers.
        """
        now = moments.now()
        constraint_language.parse(constraints)
        offer = StoredSubscription(
            id=offer_id or new_subscription_id(),
            role=Role.PROVIDER,
            identity=identity,
            properties=property_rules.check(properties),
            constraints=constraints,
            created=now,
            expires=now + LIFETIME,
        )
        subscription = await self._subscriptions.add(offer)
        try:
            await self._board.publish(_shown(offer))
        except GolemVpnError:
            await self._subscriptions.remove(subscription)
            raise
        return offer.id

    async def remove(self, identity: str, offer_id: str) -> None:
        """Takes an offer back; a poll that waits for its news ends at once.

        Raises:
            NotFound: there is none of that id.
            Forbidden: it is another identity's.
        """
        await self._remove(self._subscriptions.own(identity, offer_id))

    async def hide(self, identity: str, offer_id: str) -> None:
        """Shows an offer to nobody any more, while negotiations about it go on.

        Raises:
            NotFound: there is none of that id.
            Forbidden: it is another identity's.
        """
        await self._board.withdraw(self._subscriptions.own(identity, offer_id).id)

    async def remove_idle(self) -> None:
        """Takes the offers back that their owners have forgotten."""
        for subscription in self._subscriptions.idle():
            await self._remove(subscription)

    async def events(
        self, identity: str, offer_id: str, timeout: float = 5.0, max_events: int = 20
    ) -> list[MarketEvent]:
        """Gives what is new, once there is something or the time is over; what was given before is done with.

        Raises:
            NotFound: there is no such offer, or not any more.
            Forbidden: it is another identity's.
        """
        return await self._subscriptions.events(identity, offer_id, timeout, max_events, self._resolve)

    async def counter(
        self, identity: str, offer_id: str, proposal_id: str, properties: dict[str, Any], constraints: str
    ) -> str:
        """Answers a requestor's proposal by another one, and gives its id; a second answer starts a new round.

        Raises:
            NotFound: there is no such offer or proposal.
            Forbidden: the offer is another identity's, or the requestor does not take it.
            InvalidInput: the proposal is an own one, or the new one is malformed.
            Gone: the proposal was rejected, or the demand is there no more.
            Conflict: the requestor takes no more proposals.
        """
        subscription = self._subscriptions.own(identity, offer_id)
        return await self._negotiation.counter(subscription, proposal_id, properties, constraints)

    async def show(self, identity: str, offer_id: str, proposal_id: str) -> Proposal:
        """Gives a proposal about an offer, an own one or a requestor's.

        Raises:
            NotFound: there is no such offer or proposal.
            Forbidden: the offer is another identity's.
        """
        subscription = self._subscriptions.own(identity, offer_id)
        return proposal_document(await self._negotiation.show(subscription, proposal_id))

    async def reject(
        self, identity: str, offer_id: str, proposal_id: str, reason: dict[str, Any] | None = None
    ) -> None:
        """Says no to a requestor's proposal.

        Raises:
            NotFound: there is no such offer or proposal.
            Forbidden: the offer is another identity's.
            InvalidInput: the proposal is an own one, or the reason is too long.
            Conflict: an agreement is being made of it.
            Gone: it was rejected before, or has expired.
        """
        subscription = self._subscriptions.own(identity, offer_id)
        await self._negotiation.reject(subscription, proposal_id, reason)

    def list(self, identity: str) -> list[Offer]:
        """Lists the offers of an identity, oldest first."""
        return [offer_document(one.stored) for one in self._subscriptions if one.stored.identity == identity]

    async def _remove(self, subscription: Subscription) -> None:
        await self._subscriptions.remove(subscription)
        await self._board.withdraw(subscription.id)
        for event in subscription.waiting:
            if event.agreement_id is not None:
                await self._turn_down(subscription.stored.identity, event.agreement_id)

    async def _turn_down(self, identity: str, agreement_id: str) -> None:
        """Rejects an agreement whose news the provider will never get, so that its requestor need not wait."""
        try:
            await self._agreements.reject(identity, agreement_id, {"message": "the offer has been withdrawn"})
        except GolemVpnError as error:
            log.debug("an agreement is over already", agreement_id=agreement_id, error=error.message)


def _shown(offer: StoredSubscription) -> signed_offer.Offer:
    return signed_offer.Offer(
        id=offer.id,
        provider_id=offer.identity,
        properties=offer.properties,
        constraints=offer.constraints,
        created=offer.created,
        expires=offer.expires,
    )
