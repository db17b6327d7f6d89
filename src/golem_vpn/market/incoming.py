"""What other nodes send about this node's demands and offers: answers, rejections, and agreements to approve.

Each is stored, with the news of it, before its sender hears that it has arrived.
"""

from typing import Any

import msgspec

from golem_vpn import moments
from golem_vpn.errors import Conflict, Forbidden, Gone, NotFound
from golem_vpn.market import constraints as constraint_language
from golem_vpn.market import properties as property_rules
from golem_vpn.market import reasons
from golem_vpn.market.agreement_book import AgreementBook
from golem_vpn.market.ids import check_key, id_of, initial_key
from golem_vpn.market.messages import CounterProposal, ProposeAgreement, RejectProposal
from golem_vpn.market.proposals import Pair, Proposals
from golem_vpn.market.states import ProposalAction, after_proposal_action
from golem_vpn.market.subscriptions import MAX_PROPOSALS, Subscription, Subscriptions
from golem_vpn.net.control import Control
from golem_vpn.store.agreements import AgreementState, StoredAgreement
from golem_vpn.store.market import MarketEventKind, MarketRepository, ProposalState, StoredMarketEvent, StoredProposal
from golem_vpn.store.roles import Role


class Incoming:
    """Takes in what others send."""

    def __init__(
        self,
        control: Control,
        repository: MarketRepository,
        book: AgreementBook,
        proposals: Proposals,
        subscriptions: dict[Role, Subscriptions],
    ) -> None:
        self._control = control
        self._repository = repository
        self._book = book
        self._proposals = proposals
        self._subscriptions = subscriptions
        control.on(CounterProposal)(self._take_counter)
        control.on(RejectProposal)(self._take_rejection)
        control.on(ProposeAgreement)(self._take_agreement)

    async def _take_counter(self, sender: str, message: CounterProposal) -> None:
        """Takes in the other side's answer to a proposal of this side's.

        Raises:
            InvalidInput: it is malformed.
            Forbidden: the sender is not who it says, or answers what was proposed to another.
            Gone: the demand or offer is there no more, or what it answers was rejected.
            Conflict: there are too many already.
        """
        check_key(message.proposal)
        check_key(message.previous)
        self._check_identity(sender, message.issuer_id)
        subscription = self._subscription(message)
        known = await self._repository.find_proposal(id_of(message.to, message.proposal))
        if known is not None:
            if known.issuer_id != message.issuer_id:
                raise Conflict("there is another proposal of that key")
            return
        answered = await self._answered(subscription, message)
        after_proposal_action(answered.state, ProposalAction.COUNTER)
        await self._check_room(subscription, message.issuer_id)
        proposal = _taken(answered, message)
        event = _event(MarketEventKind.PROPOSAL, subscription, proposal_id=proposal.id)
        async with subscription.lock:
            # It may have been removed meanwhile.
            self._subscription(message)
            [place] = await self._repository.add_proposals([answered, proposal], [event])
        self._push(message.to, event, place)

    async def _take_rejection(self, sender: str, message: RejectProposal) -> None:
        """Takes in the other side's no; one to what is unknown here changes nothing.

        Raises:
            InvalidInput: its reason is too long.
            Forbidden: the sender is not whom it was proposed to.
        """
        proposal = await self._repository.find_proposal(id_of(message.to, message.proposal))
        if proposal is None or not proposal.own:
            return
        self._check_identity(sender, proposal.other_identity)
        subscription = self._subscriptions[message.to].find(proposal.subscription_id)
        if subscription is None:
            return
        event = _event(
            MarketEventKind.REJECTED, subscription, proposal_id=proposal.id, reason=reasons.check(message.reason)
        )
        place = await self._repository.change_proposal(
            proposal.id, only_in=[ProposalState.DRAFT], event=event, state=ProposalState.REJECTED, told=True
        )
        if place is not None:
            self._push(message.to, event, place)

    async def _take_agreement(self, sender: str, message: ProposeAgreement) -> None:
        """Takes in a requestor's wish to make an agreement of what this provider proposed last.

        Raises:
            InvalidInput: it is malformed.
            Forbidden: the sender is not that requestor.
            Gone: the offer is there no more, the proposal was rejected, or the time is over.
            Conflict: another agreement is being made of the proposal, or too many wait.
        """
        check_key(message.agreement_id)
        self._check_identity(sender, message.requestor_id)
        if await self._is_known(message):
            return
        try:
            await self._make_agreement(message)
        except (Conflict, Gone):
            # Who is not answered soon enough asks again, and the first wish may have come true meanwhile.
            if not await self._is_known(message):
                raise

    async def _is_known(self, message: ProposeAgreement) -> bool:
        known = await self._book.find(message.agreement_id, Role.PROVIDER)
        if known is not None and known.requestor_id != message.requestor_id:
            raise Forbidden("there is another agreement of that id")
        return known is not None

    async def _make_agreement(self, message: ProposeAgreement) -> None:
        if message.valid_to <= moments.now():
            raise Gone("the time to approve the agreement is over")
        pair = await self._proposals.for_proposed_agreement(message.proposal, message.requestor_id)
        offers = self._subscriptions[Role.PROVIDER]
        subscription = offers.find(pair[1].subscription_id)
        if subscription is None:
            raise Gone("the offer has been withdrawn")
        _check_waiting(subscription)
        agreement = _agreement(message, pair)
        event = _event(MarketEventKind.AGREEMENT, subscription, agreement_id=agreement.id)
        async with subscription.lock:
            if offers.find(subscription.id) is None:
                raise Gone("the offer has been withdrawn")
            place = await self._book.add_from_proposal(agreement, event)
        self._push(Role.PROVIDER, event, place)

    def _check_identity(self, sender: str, identity: str) -> None:
        if not self._control.proves(sender, identity):
            raise Forbidden(f"{identity} is not an identity of the node that asks")

    def _subscription(self, message: CounterProposal) -> Subscription:
        own_id = message.offer_id if message.to is Role.PROVIDER else message.demand_id
        subscription = self._subscriptions[message.to].find(own_id)
        if subscription is None:
            raise Gone("the offer has been withdrawn" if message.to is Role.PROVIDER else "the demand is gone")
        return subscription

    async def _answered(self, subscription: Subscription, message: CounterProposal) -> StoredProposal:
        """Finds the own proposal that a message answers; the first one a requestor answers is the offer itself."""
        answered = await self._repository.find_proposal(id_of(message.to, message.previous))
        if answered is None and message.to is Role.PROVIDER:
            answered = _offer_itself(subscription, message)
        if answered is None or not answered.own or answered.subscription_id != subscription.id:
            raise NotFound("there is no such proposal to answer")
        if answered.other_identity != message.issuer_id:
            raise Forbidden("that was proposed to another identity")
        return answered

    async def _check_room(self, subscription: Subscription, issuer_id: str) -> None:
        _check_waiting(subscription)
        if await self._repository.count_proposals(subscription.id, issuer_id) >= MAX_PROPOSALS:
            raise Conflict(f"there are {MAX_PROPOSALS} proposals between the two sides already")

    def _push(self, role: Role, event: StoredMarketEvent, place: int) -> None:
        self._subscriptions[role].push(msgspec.structs.replace(event, position=place))


def _check_waiting(subscription: Subscription) -> None:
    if not subscription.has_room:
        raise Conflict("the other side has more news waiting than it takes notice of")


def _offer_itself(subscription: Subscription, message: CounterProposal) -> StoredProposal | None:
    if message.previous != initial_key(message.demand_id, message.offer_id):
        return None
    offer = subscription.stored
    return StoredProposal(
        id=id_of(Role.PROVIDER, message.previous),
        subscription_id=offer.id,
        other_subscription_id=message.demand_id,
        identity=offer.identity,
        other_identity=message.issuer_id,
        issuer_id=offer.identity,
        own=True,
        properties=offer.properties,
        constraints=offer.constraints,
        created=offer.created,
        state=ProposalState.INITIAL,
    )


def _taken(answered: StoredProposal, message: CounterProposal) -> StoredProposal:
    constraint_language.parse(message.constraints)
    return StoredProposal(
        id=id_of(message.to, message.proposal),
        subscription_id=answered.subscription_id,
        other_subscription_id=answered.other_subscription_id,
        identity=answered.identity,
        other_identity=message.issuer_id,
        issuer_id=message.issuer_id,
        own=False,
        previous_id=answered.id,
        properties=property_rules.check(message.properties),
        constraints=message.constraints,
        created=moments.now(),
        state=ProposalState.DRAFT,
    )


def _agreement(message: ProposeAgreement, pair: Pair) -> StoredAgreement:
    demand, offer = pair
    return StoredAgreement(
        id=message.agreement_id,
        role=Role.PROVIDER,
        requestor_id=message.requestor_id,
        provider_id=offer.identity,
        demand_id=offer.other_subscription_id,
        demand_properties=demand.properties,
        demand_constraints=demand.constraints,
        offer_id=offer.subscription_id,
        offer_properties=offer.properties,
        offer_constraints=offer.constraints,
        created=message.created,
        valid_to=message.valid_to,
        state=AgreementState.PENDING,
        proposal_id=offer.id,
    )


def _event(kind: MarketEventKind, subscription: Subscription, **subject: Any) -> StoredMarketEvent:
    return StoredMarketEvent(subscription_id=subscription.id, date=moments.now(), kind=kind, **subject)
