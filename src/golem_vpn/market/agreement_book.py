"""The agreements of this node in both roles: every change is stored before anybody hears of it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from golem_vpn.bells import Bells
from golem_vpn.errors import Conflict, Forbidden, NotFound
from golem_vpn.market.states import AgreementAction, after_agreement_action, states_before, target_of
from golem_vpn.moments import RisingClock
from golem_vpn.store.agreement_events import AgreementEventKind, AgreementEventRepository, StoredAgreementEvent
from golem_vpn.store.agreements import AgreementRepository, AgreementState, StoredAgreement
from golem_vpn.store.database import Database
from golem_vpn.store.market import StoredMarketEvent
from golem_vpn.store.roles import Role

ChangeListener = Callable[[StoredAgreement], None]
"""Hears of a new agreement, and of each change of its state."""

_EVENTS = {
    AgreementAction.APPROVE: AgreementEventKind.APPROVED,
    AgreementAction.REJECT: AgreementEventKind.REJECTED,
    AgreementAction.CANCEL: AgreementEventKind.CANCELLED,
    AgreementAction.TERMINATE: AgreementEventKind.TERMINATED,
}


class AgreementBook:
    """Finds and changes agreements."""

    def __init__(self, database: Database) -> None:
        self._repositories = {role: AgreementRepository(database, role) for role in Role}
        self._events = AgreementEventRepository(database)
        self._clock = RisingClock()
        self._listeners: list[ChangeListener] = []
        self.bells: Bells[str] = Bells()
        """Ring for an agreement by its id, and for an identity when one of its agreements changes."""

    async def open(self) -> None:
        """Learns which dates events have had."""
        self._clock = RisingClock(await self._events.last_date())

    def on_change(self, listener: ChangeListener) -> None:
        """Adds a listener."""
        self._listeners.append(listener)

    def of(self, role: Role) -> AgreementRepository:
        """Gives the repository of the agreements in one role."""
        return self._repositories[role]

    async def add(self, agreement: StoredAgreement) -> None:
        """Stores an agreement that no negotiation preceded."""
        await self.of(agreement.role).add(agreement)
        self._tell_of(agreement)

    async def add_from_proposal(self, agreement: StoredAgreement, news: StoredMarketEvent | None = None) -> int:
        """Stores an agreement that is made of a proposal, and gives the place of the news of it.

        Raises:
            Conflict: another agreement is being made of the proposal.
        """
        place = await self.of(agreement.role).add_from_proposal(agreement, news)
        if place is None:
            raise Conflict("another agreement is being made of this proposal")
        self._tell_of(agreement)
        return place

    async def find(self, agreement_id: str, role: Role) -> StoredAgreement | None:
        """Finds an agreement, whosever it is."""
        return await self.of(role).find(agreement_id)

    async def show(self, identity: str, agreement_id: str, role: Role | None = None) -> StoredAgreement:
        """Gives an agreement of an identity; where it is on both sides and no role is given, the requestor's view.

        Raises:
            NotFound: there is none of that id.
            Forbidden: it is another identity's.
        """
        is_there = False
        for side in [role] if role else Role:
            agreement = await self.of(side).find(agreement_id)
            if agreement is not None and agreement.identity == identity:
                return agreement
            is_there = is_there or agreement is not None
        if is_there:
            raise Forbidden("the agreement is another identity's")
        raise NotFound(f"there is no agreement {agreement_id}")

    async def move(self, agreement: StoredAgreement, action: AgreementAction, **values: Any) -> StoredAgreement:
        """Does something to an agreement, and gives it as it is then.

        Raises:
            Conflict: its state does not allow that.
            Gone: it has ended.
        """
        changed = await self.of(agreement.role).change(
            agreement.id,
            only_in=states_before(action),
            event=self._event(agreement, action, values),
            state=target_of(action),
            **values,
        )
        if changed is None:
            current = await self.of(agreement.role).find(agreement.id)
            after_agreement_action(AgreementState.EXPIRED if current is None else current.state, action)
            raise Conflict("the agreement was changed by somebody else at the same time")
        self._tell_of(changed)
        return changed

    async def end(
        self,
        agreement: StoredAgreement,
        action: AgreementAction,
        by: Role | None,
        reason: dict[str, Any] | None,
        *,
        told: bool,
    ) -> StoredAgreement:
        """Ends an agreement, or what could have become one.

        Raises:
            Conflict: its state does not allow that.
            Gone: it has ended before.
        """
        return await self.move(
            agreement, action, ended=datetime.now(UTC), terminator=by, reason=reason, told=told
        )  # fmt: skip

    async def events(
        self, identity: str, after: datetime, app_session_id: str | None, limit: int
    ) -> list[StoredAgreementEvent]:
        """Lists what happened to the agreements of an identity after a date, oldest first."""
        return await self._events.of(identity, after=after, app_session_id=app_session_id, limit=limit)

    async def list(self, identity: str, role: Role | None = None) -> list[StoredAgreement]:
        """Lists the agreements of an identity, in both roles where none is given, oldest first."""
        agreements: list[StoredAgreement] = []
        if role is not Role.PROVIDER:
            agreements += await self.of(Role.REQUESTOR).of_requestor(identity)
        if role is not Role.REQUESTOR:
            agreements += await self.of(Role.PROVIDER).of_provider(identity)
        return sorted(agreements, key=lambda agreement: (agreement.created, agreement.id))

    def _event(
        self, agreement: StoredAgreement, action: AgreementAction, values: dict[str, Any]
    ) -> StoredAgreementEvent | None:
        kind = _EVENTS.get(action)
        # An identity that hires itself hears of everything once.
        if kind is None or (agreement.role is Role.PROVIDER and agreement.provider_id == agreement.requestor_id):
            return None
        # Nothing is waited for between taking the date and queueing for the database, so dates rise as commits do.
        return StoredAgreementEvent(
            date=self._clock.next(),
            identity=agreement.identity,
            agreement_id=agreement.id,
            role=agreement.role,
            app_session_id=agreement.app_session_id,
            kind=kind,
            terminator=values.get("terminator"),
            reason=values.get("reason"),
        )

    def _tell_of(self, agreement: StoredAgreement) -> None:
        self.bells.ring(agreement.id)
        self.bells.ring(agreement.identity)
        for listener in self._listeners:
            listener(agreement)
