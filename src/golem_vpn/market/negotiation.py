"""Counter-proposals and rejections, made here or by the other side.

A proposal is stored before the other side hears of it; one that is away hears of it as soon as it is there.
"""

from datetime import timedelta
from typing import Any

import anyio
import msgspec
import structlog

from golem_vpn import moments
from golem_vpn.errors import Conflict, GolemVpnError, Gone, InvalidInput, NotFound, PeerRefused, PeerUnreachable
from golem_vpn.market import constraints as constraint_language
from golem_vpn.market import properties as property_rules
from golem_vpn.market import reasons
from golem_vpn.market.ids import id_of, key_of, new_key, role_of
from golem_vpn.market.messages import CounterProposal, RejectProposal
from golem_vpn.market.states import ProposalAction, after_proposal_action
from golem_vpn.market.subscriptions import MAX_PROPOSALS, Subscription, Subscriptions
from golem_vpn.net.control import Control
from golem_vpn.net.wire import Message
from golem_vpn.store.market import MarketEventKind, MarketRepository, ProposalState, StoredMarketEvent, StoredProposal
from golem_vpn.store.roles import Role

TELL_SECONDS = 3.0
"""How long a caller waits for the other side to hear of something; it hears later otherwise."""
RETRY_SECONDS = 5.0
PRUNE_SECONDS = 3600.0
TELL_FOR = timedelta(hours=1)
KEEP_FOR = timedelta(days=7)

log = structlog.get_logger()


class Negotiation:
    """Negotiates for this node's demands and offers."""

    def __init__(
        self, control: Control, repository: MarketRepository, subscriptions: dict[Role, Subscriptions]
    ) -> None:
        self._control = control
        self._repository = repository
        self._subscriptions = subscriptions

    async def run(self) -> None:
        """Tells others what they could not be told before, for ever."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._prune)
            while True:
                await self.settle()
                await anyio.sleep(RETRY_SECONDS)

    async def settle(self) -> None:
        """Does once what `run` does for ever."""
        async with anyio.create_task_group() as tasks:
            for proposal in await self._repository.untold_proposals():
                tasks.start_soon(self._tell_again, proposal)

    async def show(self, subscription: Subscription, proposal_id: str) -> StoredProposal:
        """Gives a proposal about a demand or offer.

        Raises:
            NotFound: there is none of that id.
        """
        proposal = await self._repository.find_proposal(proposal_id)
        if proposal is None or proposal.subscription_id != subscription.id:
            raise NotFound(f"there is no proposal {proposal_id}")
        return proposal

    async def counter(
        self, subscription: Subscription, proposal_id: str, properties: dict[str, Any], constraints: str
    ) -> str:
        """Answers a proposal of the other side's by another one, and gives its id.

        Raises:
            NotFound: there is no such proposal.
            InvalidInput: it is an own one, or the new one is malformed.
            Gone: it was rejected, or the other side's demand or offer is there no more.
            Conflict: the other side takes no more proposals.
        """
        properties = property_rules.check(properties)
        constraint_language.parse(constraints)
        answered = await self._theirs(subscription, proposal_id)
        after_proposal_action(answered.state, ProposalAction.COUNTER)
        await self._check_room(answered)
        proposal = _own_answer(subscription, answered, properties, constraints)
        await self._repository.add_proposals([proposal])
        with anyio.move_on_after(TELL_SECONDS):
            await self._tell(proposal)
        return proposal.id

    async def reject(self, subscription: Subscription, proposal_id: str, reason: dict[str, Any] | None) -> None:
        """Says no to a proposal of the other side's.

        Raises:
            NotFound: there is no such proposal.
            InvalidInput: it is an own one, or the reason is too long.
            Conflict: an agreement is being made of it.
            Gone: it was rejected before, or has expired.
        """
        reasons.check(reason)
        proposal = await self._theirs(subscription, proposal_id)
        state = after_proposal_action(proposal.state, ProposalAction.REJECT)
        # A match is this node's own finding; nobody else knows of it.
        told = proposal.state is ProposalState.INITIAL
        if await self._repository.change_proposal(
            proposal.id, only_in=[proposal.state], state=state, reason=reason, told=told
        ) is None:  # fmt: skip
            raise Conflict("the proposal was changed by somebody else at the same time")
        if not told:
            with anyio.move_on_after(TELL_SECONDS):
                await self._tell(await self.show(subscription, proposal.id))

    async def _theirs(self, subscription: Subscription, proposal_id: str) -> StoredProposal:
        proposal = await self.show(subscription, proposal_id)
        if proposal.own:
            raise InvalidInput("the proposal is your own; only those of the other side can be answered or rejected")
        return proposal

    async def _check_room(self, proposal: StoredProposal) -> None:
        count = await self._repository.count_proposals(proposal.subscription_id, proposal.other_identity)
        if count >= MAX_PROPOSALS:
            raise Conflict(f"there are {MAX_PROPOSALS} proposals between the two sides already")

    async def _tell(self, proposal: StoredProposal) -> None:
        """Tells the other side of a proposal, or of its rejection; where it is away, `run` will try again.

        Raises:
            GolemVpnError: the other side refuses, for good.
        """
        try:
            await self._control.request(proposal.other_identity, _message(proposal), type(None))
        except (PeerUnreachable, PeerRefused) as error:
            log.info("a proposal could not be told", proposal_id=proposal.id, error=error.message)
        except GolemVpnError:
            await self._lapse(proposal)
            raise
        else:
            await self._repository.mark_told(proposal.id)

    async def _tell_again(self, proposal: StoredProposal) -> None:
        try:
            if proposal.created + TELL_FOR < moments.now():
                raise Gone("the other side could not be reached")
            await self._tell(proposal)
        except GolemVpnError as error:
            await self._lapse(proposal, {"message": error.message})

    async def _lapse(self, proposal: StoredProposal, reason: dict[str, Any] | None = None) -> None:
        """Speaks of a proposal no more; with a reason, its owner hears as of a rejection."""
        if not proposal.own:
            await self._repository.mark_told(proposal.id)
            return
        event = None if reason is None else _rejection_of(proposal, reason)
        state = ProposalState.EXPIRED
        await self._change_own(proposal, [ProposalState.DRAFT], event, state=state, told=True)

    async def _change_own(
        self, proposal: StoredProposal, only_in: list[ProposalState], event: StoredMarketEvent | None, **values: Any
    ) -> None:
        place = await self._repository.change_proposal(proposal.id, only_in=only_in, event=event, **values)
        if place is not None and event is not None:
            self._subscriptions[role_of(proposal.id)].push(msgspec.structs.replace(event, position=place))

    async def _prune(self) -> None:
        while True:
            await self._repository.prune_proposals(moments.now() - KEEP_FOR)
            await anyio.sleep(PRUNE_SECONDS)


def _own_answer(
    subscription: Subscription, answered: StoredProposal, properties: dict[str, Any], constraints: str
) -> StoredProposal:
    return StoredProposal(
        id=id_of(subscription.stored.role, new_key()),
        subscription_id=subscription.id,
        other_subscription_id=answered.other_subscription_id,
        identity=answered.identity,
        other_identity=answered.other_identity,
        issuer_id=answered.identity,
        own=True,
        previous_id=answered.id,
        properties=properties,
        constraints=constraints,
        created=moments.now(),
        state=ProposalState.DRAFT,
        told=False,
    )


def _message(proposal: StoredProposal) -> Message:
    role = role_of(proposal.id)
    if not proposal.own:
        return RejectProposal(role.other, key_of(proposal.id), proposal.identity, proposal.reason)
    ids = proposal.subscription_id, proposal.other_subscription_id
    demand_id, offer_id = ids if role is Role.REQUESTOR else reversed(ids)
    return CounterProposal(
        to=role.other,
        proposal=key_of(proposal.id),
        previous=key_of(proposal.previous_id or ""),
        demand_id=demand_id,
        offer_id=offer_id,
        issuer_id=proposal.issuer_id,
        properties=proposal.properties,
        constraints=proposal.constraints,
    )


def _rejection_of(proposal: StoredProposal, reason: dict[str, Any]) -> StoredMarketEvent:
    return StoredMarketEvent(
        subscription_id=proposal.subscription_id,
        date=moments.now(),
        kind=MarketEventKind.REJECTED,
        proposal_id=proposal.id,
        reason=reason,
    )
