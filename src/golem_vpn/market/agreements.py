"""The agreements of this node's identities, as requestors and as providers."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import anyio

from golem_vpn import moments
from golem_vpn.errors import Conflict, Gone, InvalidInput, NotFound, NotYet
from golem_vpn.market import reasons
from golem_vpn.market.agreement_book import AgreementBook, ChangeListener
from golem_vpn.market.agreement_exchange import AgreementExchange
from golem_vpn.market.hiring import Hiring
from golem_vpn.market.ids import new_key
from golem_vpn.market.proposals import Proposals
from golem_vpn.market.states import AgreementAction
from golem_vpn.market.waiting import until
from golem_vpn.net.control import Control
from golem_vpn.store.agreement_events import StoredAgreementEvent
from golem_vpn.store.agreements import AgreementState, StoredAgreement
from golem_vpn.store.roles import Role

TELL_SECONDS = 3.0
"""How long a caller waits for the other side to hear of something; it hears later otherwise."""
MAX_VALIDITY = timedelta(days=365)


class AgreementService:
    """Makes, shows and ends agreements."""

    def __init__(self, control: Control, book: AgreementBook, proposals: Proposals) -> None:
        self._book = book
        self._proposals = proposals
        self._exchange = AgreementExchange(control, book)
        self._hiring = Hiring(control, book)

    def on_change(self, listener: ChangeListener) -> None:
        """Adds a listener, which hears of every new agreement and every change of state, in both roles."""
        self._book.on_change(listener)

    async def run(self) -> None:
        """Tells the other sides what they could not be told before, for ever."""
        await self._hiring.give_up_unsettled()
        await self._exchange.run()

    async def hire(
        self, requestor: str, provider_id: str, demand_properties: dict[str, Any] | None = None
    ) -> StoredAgreement:
        """Gets an agreement with a provider, without any market.

        Raises:
            InvalidInput: `provider_id` is no node id, or the provider cannot take the properties.
            PeerUnreachable: the provider did not answer; it will hear that the agreement is cancelled.
            Forbidden: that node is no provider, or not for this requestor.
            Conflict: the provider has no room.
        """
        return await self._hiring.hire(requestor, provider_id, demand_properties or {})

    async def accept_hire(self, agreement: StoredAgreement) -> None:
        """Stores an agreement that this provider gives to a requestor that hires it directly."""
        await self._book.add(agreement)

    async def create(self, identity: str, proposal_id: str, valid_to: datetime) -> str:
        """Makes an agreement of a provider's proposal, for the requestor to confirm, and gives its id.

        Raises:
            NotFound: there is no such proposal.
            InvalidInput: the proposal is the requestor's own, or the time is over already.
            Conflict: the provider has not answered yet, or another agreement is being made of the proposal.
            Gone: the proposal was rejected or has expired.
        """
        now = moments.now()
        if not now < valid_to:
            raise InvalidInput("validTo: the time to approve the agreement is over already")
        demand, offer = await self._proposals.for_agreement(identity, proposal_id)
        agreement = StoredAgreement(
            id=new_key(),
            role=Role.REQUESTOR,
            requestor_id=demand.identity,
            provider_id=demand.other_identity,
            demand_id=demand.subscription_id,
            demand_properties=demand.properties,
            demand_constraints=demand.constraints,
            offer_id=demand.other_subscription_id,
            offer_properties=offer.properties,
            offer_constraints=offer.constraints,
            created=now,
            valid_to=min(valid_to, now + MAX_VALIDITY),
            state=AgreementState.PROPOSAL,
            proposal_id=offer.id,
        )
        await self._book.add_from_proposal(agreement)
        return agreement.id

    async def find(self, agreement_id: str, role: Role = Role.REQUESTOR) -> StoredAgreement:
        """Gives an agreement, whosever it is.

        Raises:
            NotFound: there is none of that id.
        """
        agreement = await self._book.find(agreement_id, role)
        if agreement is None:
            raise NotFound(f"there is no agreement {agreement_id}")
        return agreement

    async def show(self, identity: str, agreement_id: str, role: Role | None = None) -> StoredAgreement:
        """Gives an agreement of an identity; where it is on both sides and no role is given, the requestor's view.

        Raises:
            NotFound: there is none of that id.
            Forbidden: it is another identity's.
        """
        return await self._book.show(identity, agreement_id, role)

    async def live(self, requestor: str, agreement_id: str) -> StoredAgreement:
        """Gives an agreement that its requestor can make activities under.

        Raises:
            NotFound: there is none of that id.
            Forbidden: it is another identity's.
            Gone: it has ended, or never came about.
        """
        agreement = await self.show(requestor, agreement_id, Role.REQUESTOR)
        if agreement.state is not AgreementState.APPROVED:
            raise Gone(f"the agreement is not in force: {agreement.state}")
        return agreement

    async def acknowledge(self, agreement: StoredAgreement) -> StoredAgreement:
        """Takes it that the requestor knows of this provider's yes, since it acts on it; gives the agreement then."""
        return await self._exchange.acknowledge(agreement)

    async def confirm(self, identity: str, agreement_id: str, app_session_id: str | None = None) -> None:
        """Sends an agreement to its provider, at once or as soon as that is there.

        Raises:
            NotFound: there is none of that id.
            Forbidden: it is another identity's.
            Conflict: it was confirmed before.
            Gone: it has ended, or its time is over.
        """
        agreement = await self._in_time(identity, agreement_id, Role.REQUESTOR)
        action = AgreementAction.CONFIRM
        await self._tell(await self._book.move(agreement, action, app_session_id=app_session_id, told=False))

    async def wait(self, identity: str, agreement_id: str, timeout: float) -> None:
        """Returns when an agreement is approved.

        Raises:
            NotFound: there is none of that id.
            Forbidden: it is another identity's.
            Conflict: it was not confirmed.
            NotYet: the provider did not answer within the time.
            Gone: it will never be, or has ended.
        """
        agreement = await self.show(identity, agreement_id, Role.REQUESTOR)
        await self._approval(agreement, timeout)

    async def approve(
        self, identity: str, agreement_id: str, app_session_id: str | None = None, timeout: float = TELL_SECONDS
    ) -> None:
        """Says yes for the provider, and returns when the requestor knows: then the agreement is in force.

        Raises:
            NotFound: there is none of that id.
            Forbidden: it is another identity's.
            NotYet: the requestor could not be told within the time; it is told later, and can still withdraw.
            Conflict: it is approved already.
            Gone: it has ended, or the requestor wants it no more.
        """
        agreement = await self._in_time(identity, agreement_id, Role.PROVIDER)
        values = {"approved": moments.now(), "app_session_id": app_session_id, "told": False}
        promised = await self._book.move(agreement, AgreementAction.PROMISE, **values)
        deadline = anyio.current_time() + timeout
        await self._tell(promised, timeout)
        await self._approval(promised, max(0.0, deadline - anyio.current_time()))

    async def reject(self, identity: str, agreement_id: str, reason: dict[str, Any] | None = None) -> None:
        """Says no for the provider.

        Raises:
            NotFound: there is none of that id.
            Forbidden: it is another identity's.
            InvalidInput: the reason is too long.
            Conflict: it is approved already.
            Gone: it has ended.
        """
        await self._end(identity, agreement_id, Role.PROVIDER, AgreementAction.REJECT, reason)

    async def cancel(self, identity: str, agreement_id: str, reason: dict[str, Any] | None = None) -> None:
        """Takes the requestor's proposal of an agreement back.

        Raises:
            NotFound: there is none of that id.
            Forbidden: it is another identity's.
            InvalidInput: the reason is too long.
            Conflict: it is approved already.
            Gone: it has ended.
        """
        await self._end(identity, agreement_id, Role.REQUESTOR, AgreementAction.CANCEL, reason)

    async def terminate(self, identity: str, agreement_id: str, reason: dict[str, Any] | None = None) -> None:
        """Ends an agreement, and with it the activities under it; the other side hears at once or as soon as it can.

        Raises:
            NotFound: there is none of that id.
            Forbidden: it is another identity's.
            InvalidInput: the reason is too long.
            Conflict: it is not approved yet.
            Gone: it has ended before.
        """
        await self._end(identity, agreement_id, None, AgreementAction.TERMINATE, reason)

    async def events(
        self,
        identity: str,
        after: datetime,
        timeout: float = 0.0,
        max_events: int = 100,
        app_session_id: str | None = None,
    ) -> list[StoredAgreementEvent]:
        """Gives what happened to the agreements of an identity after a date, as soon as there is anything."""

        async def look() -> list[StoredAgreementEvent]:
            return await self._book.events(identity, after, app_session_id, max_events)

        return await until(look, self._listen(identity), timeout) or []

    async def list(self, identity: str, role: Role | None = None) -> list[StoredAgreement]:
        """Lists the agreements of an identity, in both roles where none is given, oldest first."""
        return await self._book.list(identity, role)

    async def _in_time(self, identity: str, agreement_id: str, role: Role) -> StoredAgreement:
        agreement = await self.show(identity, agreement_id, role)
        if agreement.valid_to < moments.now() and agreement.state in {AgreementState.PROPOSAL, AgreementState.PENDING}:
            await self._exchange.expire()
            agreement = await self.show(identity, agreement_id, role)
        return agreement

    async def _approval(self, agreement: StoredAgreement, timeout: float) -> None:
        async def look() -> StoredAgreement | None:
            current = await self.find(agreement.id, agreement.role)
            return None if current.state is AgreementState.PENDING else current

        settled = await until(look, self._listen(agreement.id), timeout)
        if settled is None:
            raise NotYet("the agreement is neither approved nor rejected yet; ask again")
        if settled.state is AgreementState.PROPOSAL:
            raise Conflict("the agreement was not confirmed yet")
        if settled.state is not AgreementState.APPROVED:
            raise Gone(settled.state)

    async def _end(
        self,
        identity: str,
        agreement_id: str,
        role: Role | None,
        action: AgreementAction,
        reason: dict[str, Any] | None,
    ) -> None:
        reasons.check(reason)
        agreement = await self.show(identity, agreement_id, role)
        reason = reason or {"message": f"{action} by the {agreement.role.lower()}"}
        # What the provider has not heard of, it need not hear the end of.
        told = agreement.state is AgreementState.PROPOSAL
        await self._tell(await self._book.end(agreement, action, agreement.role, reason, told=told))

    async def _tell(self, agreement: StoredAgreement, timeout: float = TELL_SECONDS) -> None:
        if not agreement.told:
            with anyio.move_on_after(timeout):
                await self._exchange.tell(agreement)

    def _listen(self, key: str) -> Callable[[], anyio.Event]:
        return lambda: self._book.bells.listen(key)
