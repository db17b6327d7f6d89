"""Direct hire: an agreement with a provider that is known by name, without any market.

An agreement is stored as Pending before the provider hears of it, so one whose answer got lost is known to be
unsettled: it is cancelled, and the provider told.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import anyio

from golem_vpn.errors import Conflict, GolemVpnError, Gone, PeerUnreachable
from golem_vpn.market.agreement_book import AgreementBook
from golem_vpn.market.ids import new_key, new_subscription_id
from golem_vpn.market.messages import Hire, Hired
from golem_vpn.market.states import AgreementAction
from golem_vpn.net.control import Control
from golem_vpn.net.identity import parse_node_id
from golem_vpn.store.agreements import AgreementState, StoredAgreement
from golem_vpn.store.roles import Role

APPROVAL_TIME = timedelta(hours=1)


class Hiring:
    """Gets agreements with providers of one's choice."""

    def __init__(self, control: Control, book: AgreementBook) -> None:
        self._control = control
        self._book = book

    async def hire(self, requestor: str, provider_id: str, demand_properties: dict[str, Any]) -> StoredAgreement:
        """Gets an agreement with a provider.

        Raises:
            InvalidInput: `provider_id` is no node id, or the provider cannot take the properties.
            PeerUnreachable: the provider did not answer; it will hear that the agreement is cancelled.
            Forbidden: that node is no provider, or not for this requestor.
            Conflict: the provider has no room.
        """
        agreement = _pending(requestor, parse_node_id(provider_id), demand_properties)
        await self._book.add(agreement)
        try:
            answer = await self._control.request(agreement.provider_id, _hire(agreement), Hired)
        except PeerUnreachable as error:
            await self._give_up(agreement, AgreementAction.CANCEL, error.message)
            raise
        except GolemVpnError as error:
            await self._give_up(agreement, AgreementAction.REJECT, error.message)
            raise
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await self._give_up(agreement, AgreementAction.CANCEL, "the caller went away")
            raise
        return await self._approve(agreement, answer)

    async def give_up_unsettled(self) -> None:
        """Cancels what was under way when the daemon was last killed."""
        for agreement in await self._book.of(Role.REQUESTOR).in_state(AgreementState.PENDING):
            if agreement.proposal_id is None:
                await self._give_up(agreement, AgreementAction.CANCEL, "the requestor's daemon restarted")

    async def _approve(self, agreement: StoredAgreement, answer: Hired) -> StoredAgreement:
        try:
            return await self._book.move(
                agreement,
                AgreementAction.APPROVE,
                provider_id=answer.provider_id,
                offer_id=answer.offer_id,
                offer_properties=answer.offer_properties,
                approved=answer.approved,
            )
        except Conflict:
            raise Gone("the agreement was cancelled meanwhile") from None

    async def _give_up(self, agreement: StoredAgreement, action: AgreementAction, why: str) -> None:
        rejected = action is AgreementAction.REJECT
        by = Role.PROVIDER if rejected else Role.REQUESTOR
        try:
            await self._book.end(agreement, action, by, {"message": why}, told=rejected)
        except Gone:
            # Its owner was quicker.
            return


def _pending(requestor: str, provider_id: str, demand_properties: dict[str, Any]) -> StoredAgreement:
    now = datetime.now(UTC)
    return StoredAgreement(
        id=new_key(),
        role=Role.REQUESTOR,
        requestor_id=requestor,
        provider_id=provider_id,
        demand_id=new_subscription_id(),
        demand_properties=demand_properties,
        offer_id="",
        created=now,
        valid_to=now + APPROVAL_TIME,
        state=AgreementState.PENDING,
    )


def _hire(agreement: StoredAgreement) -> Hire:
    return Hire(
        agreement_id=agreement.id,
        requestor_id=agreement.requestor_id,
        demand_id=agreement.demand_id,
        demand_properties=agreement.demand_properties,
        created=agreement.created,
        valid_to=agreement.valid_to,
    )
