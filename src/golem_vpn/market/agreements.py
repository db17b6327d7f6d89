"""Agreements of this node's requestors.

An agreement is stored as Pending before the provider hears of it, so one whose answer got lost is known to be
unsettled: it is cancelled, and the provider told. An end that a provider could not be told at once, it is told when it
is there again.
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import structlog

from golem_vpn import moments
from golem_vpn.errors import Forbidden, GolemVpnError, Gone, NotFound, PeerUnreachable
from golem_vpn.market.messages import Hire, Hired, TerminateAgreement
from golem_vpn.net.control import Control
from golem_vpn.net.identity import parse_node_id
from golem_vpn.store.agreements import AgreementRepository, AgreementState, Role, StoredAgreement

APPROVAL_TIME = timedelta(hours=1)
RETRY_SECONDS = 5.0
TELL_FOR = timedelta(days=7)
"""How long a provider that is away is looked for; one that stays away longer has lost its activities anyway."""

log = structlog.get_logger()


class AgreementService:
    """Makes, shows and ends agreements."""

    def __init__(self, control: Control, repository: AgreementRepository) -> None:
        self._control = control
        self._repository = repository

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
        agreement = _pending(requestor, parse_node_id(provider_id), demand_properties or {})
        await self._repository.add(agreement)
        try:
            answer = await self._control.request(agreement.provider_id, _hire(agreement), Hired)
        except PeerUnreachable as error:
            await self._end_pending(agreement, AgreementState.CANCELLED, error.message, told=False)
            raise
        except GolemVpnError as error:
            await self._end_pending(agreement, AgreementState.REJECTED, error.message, told=True)
            raise
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await self._end_pending(agreement, AgreementState.CANCELLED, "the caller went away", told=False)
            raise
        return await self._approve(agreement, answer)

    async def find(self, agreement_id: str) -> StoredAgreement:
        """Gives an agreement, whosever it is.

        Raises:
            NotFound: there is none of that id.
        """
        agreement = await self._repository.find(agreement_id)
        if agreement is None:
            raise NotFound(f"there is no agreement {agreement_id}")
        return agreement

    async def show(self, requestor: str, agreement_id: str) -> StoredAgreement:
        """Gives an agreement of a requestor.

        Raises:
            NotFound: there is none of that id.
            Forbidden: it is another identity's.
        """
        agreement = await self.find(agreement_id)
        if agreement.requestor_id != requestor:
            raise Forbidden("the agreement is another identity's")
        return agreement

    async def list(self, requestor: str) -> list[StoredAgreement]:
        """Lists the agreements of a requestor, oldest first."""
        return await self._repository.of_requestor(requestor)

    async def live(self, requestor: str, agreement_id: str) -> StoredAgreement:
        """Gives an agreement that activities can be made under.

        Raises:
            NotFound: there is none of that id.
            Forbidden: it is another identity's.
            Gone: it has ended, or never came about.
        """
        agreement = await self.show(requestor, agreement_id)
        if agreement.state is not AgreementState.APPROVED:
            raise Gone(f"the agreement is not in force: {agreement.state}")
        return agreement

    async def terminate(self, requestor: str, agreement_id: str, reason: str = "") -> None:
        """Ends an agreement, and with it the activities under it, at once or as soon as the provider is there again.

        Raises:
            NotFound: there is none of that id.
            Forbidden: it is another identity's.
            Gone: it has ended before.
        """
        agreement = await self.live(requestor, agreement_id)
        ended = await self._repository.change(
            agreement.id,
            only_in=AgreementState.APPROVED,
            state=AgreementState.TERMINATED,
            ended=datetime.now(UTC),
            end_reason=reason or "terminated by the requestor",
            told=False,
        )
        if ended is None:
            raise Gone("the agreement has ended")
        await self._tell(ended)

    async def run(self) -> None:
        """Tells providers what they could not be told before, for ever."""
        for unsettled in await self._repository.in_state(AgreementState.PENDING):
            await self._end_pending(unsettled, AgreementState.CANCELLED, "the requestor's daemon restarted", told=False)
        while True:
            async with anyio.create_task_group() as tasks:
                for agreement in await self._repository.untold():
                    tasks.start_soon(self._tell, agreement)
            await anyio.sleep(RETRY_SECONDS)

    async def _approve(self, agreement: StoredAgreement, answer: Hired) -> StoredAgreement:
        approved = await self._repository.change(
            agreement.id,
            only_in=AgreementState.PENDING,
            state=AgreementState.APPROVED,
            provider_id=answer.provider_id,
            offer_id=answer.offer_id,
            offer_properties=answer.offer_properties,
            approved=answer.approved,
        )
        if approved is None:
            raise Gone("the agreement was cancelled meanwhile")
        return approved

    async def _end_pending(self, agreement: StoredAgreement, state: AgreementState, reason: str, *, told: bool) -> None:
        await self._repository.change(
            agreement.id,
            only_in=AgreementState.PENDING,
            state=state,
            ended=datetime.now(UTC),
            end_reason=reason,
            told=told,
        )

    async def _tell(self, agreement: StoredAgreement) -> None:
        message = TerminateAgreement(agreement.id, agreement.end_reason or "")
        try:
            await self._control.request(agreement.provider_id, message, type(None))
        except PeerUnreachable:
            if not _is_over(agreement):
                return
        except GolemVpnError as error:
            # Whatever the provider has against it, saying it again won't help.
            log.warning("a provider took the end of an agreement ill", agreement_id=agreement.id, error=error.message)
        await self._repository.mark_told(agreement.id)


def agreement_json(agreement: StoredAgreement) -> dict[str, Any]:
    """Gives an agreement in the form of the Market API."""
    timestamp = moments.to_text(agreement.created)
    return {
        "agreementId": agreement.id,
        "demand": {
            "demandId": agreement.demand_id,
            "requestorId": agreement.requestor_id,
            "properties": agreement.demand_properties,
            "constraints": agreement.demand_constraints,
            "timestamp": timestamp,
        },
        "offer": {
            "offerId": agreement.offer_id,
            "providerId": agreement.provider_id,
            "properties": agreement.offer_properties,
            "constraints": agreement.offer_constraints,
            "timestamp": timestamp,
        },
        "validTo": moments.to_text(agreement.valid_to),
        "approvedDate": None if agreement.approved is None else moments.to_text(agreement.approved),
        "terminatedDate": None if agreement.ended is None else moments.to_text(agreement.ended),
        "reason": agreement.end_reason,
        "state": agreement.state,
        "timestamp": timestamp,
    }


def _pending(requestor: str, provider_id: str, demand_properties: dict[str, Any]) -> StoredAgreement:
    now = datetime.now(UTC)
    return StoredAgreement(
        id=secrets.token_hex(32),
        role=Role.REQUESTOR,
        requestor_id=requestor,
        provider_id=provider_id,
        demand_id=f"{secrets.token_hex(16)}-{secrets.token_hex(32)}",
        demand_properties=demand_properties,
        offer_id="",
        created=now,
        valid_to=now + APPROVAL_TIME,
        state=AgreementState.PENDING,
    )


def _is_over(agreement: StoredAgreement) -> bool:
    """Says whether the end of an agreement is so long ago that its provider need not hear of it."""
    patience = APPROVAL_TIME if agreement.approved is None else TELL_FOR
    return datetime.now(UTC) - (agreement.ended or agreement.created) > patience


def _hire(agreement: StoredAgreement) -> Hire:
    return Hire(
        agreement_id=agreement.id,
        requestor_id=agreement.requestor_id,
        demand_id=agreement.demand_id,
        demand_properties=agreement.demand_properties,
        created=agreement.created,
        valid_to=agreement.valid_to,
    )
