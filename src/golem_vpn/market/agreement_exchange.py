"""Agreements between nodes: tells the other side of changes until it knows, and takes in what it tells.

A provider's yes takes two steps: its agreement stays Pending, with the date of the yes, until the requestor answers. So
a requestor that cancelled meanwhile, or waited no longer, never has an agreement that it does not know of.
"""

from datetime import timedelta
from typing import Any

import anyio
import structlog

from golem_vpn import moments
from golem_vpn.errors import Forbidden, GolemVpnError, Gone, NotFound, PeerRefused, PeerUnreachable
from golem_vpn.market import messages, reasons
from golem_vpn.market.agreement_book import AgreementBook
from golem_vpn.market.ids import key_of
from golem_vpn.market.reasons import Reason
from golem_vpn.market.states import AgreementAction
from golem_vpn.net.control import Control
from golem_vpn.net.wire import Message
from golem_vpn.store.agreements import AgreementState, StoredAgreement
from golem_vpn.store.roles import Role

RETRY_SECONDS = 5.0
PRUNE_SECONDS = 3600.0
APPROVAL_PATIENCE = timedelta(hours=1)
"""How long after its time an agreement that never came about is still told of, or its requestor asked about."""
TELL_FOR = timedelta(days=7)
"""How long one that is away is looked for; a provider that stays away longer has lost its activities anyway."""
KEEP_FOR = timedelta(days=90)

log = structlog.get_logger()


class AgreementExchange:
    """Keeps both sides of agreements of one mind."""

    def __init__(self, control: Control, book: AgreementBook) -> None:
        self._control = control
        self._book = book
        control.on(messages.ApproveAgreement)(self._take_approval)
        control.on(messages.RejectAgreement)(self._take_rejection)
        control.on(messages.CancelAgreement)(self._take_cancellation)
        control.on(messages.TerminateAgreement)(self._take_end)

    async def run(self) -> None:
        """Tells others what they could not be told before, and ends what nobody approved in time, for ever."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._prune)
            while True:
                await self.settle()
                await anyio.sleep(RETRY_SECONDS)

    async def settle(self) -> None:
        """Does once what `run` does for ever."""
        await self.expire()
        async with anyio.create_task_group() as tasks:
            for role in Role:
                for agreement in await self._book.of(role).untold():
                    tasks.start_soon(self.tell, agreement)

    async def expire(self) -> None:
        """Ends what nobody approved in time."""
        now = moments.now()
        for role in Role:
            repository = self._book.of(role)
            for agreement in await repository.in_state(AgreementState.PROPOSAL, AgreementState.PENDING):
                patience = timedelta() if agreement.approved is None else APPROVAL_PATIENCE
                if agreement.valid_to + patience < now:
                    await self._try(agreement, AgreementAction.EXPIRE)

    async def tell(self, agreement: StoredAgreement) -> None:
        """Tells the other side of an agreement's state; where it cannot be reached, `run` will try again."""
        message = _message(agreement)
        if message is None:
            await self._book.of(agreement.role).mark_told(agreement.id, agreement.state)
            return
        try:
            await self._control.request(agreement.other_identity, message, type(None))
        except (PeerUnreachable, PeerRefused):
            if _is_over(agreement):
                await self._give_up(agreement, "the other side could not be reached in time")
        except GolemVpnError as error:
            log.info("an agreement was refused", agreement_id=agreement.id, error=error.message)
            await self._give_up(agreement, error.message)
        else:
            await self._note_told(agreement)

    async def acknowledge(self, agreement: StoredAgreement) -> StoredAgreement:
        """Takes it that the requestor knows of the provider's yes, since it acts on it."""
        if agreement.state is AgreementState.PENDING and agreement.approved is not None:
            await self._try(agreement, AgreementAction.APPROVE, told=True)
            return await self._book.show(agreement.identity, agreement.id, Role.PROVIDER)
        return agreement

    async def _note_told(self, agreement: StoredAgreement) -> None:
        if agreement.role is Role.PROVIDER and agreement.state is AgreementState.PENDING:
            await self._try(agreement, AgreementAction.APPROVE, told=True)
        else:
            await self._book.of(agreement.role).mark_told(agreement.id, agreement.state)

    async def _give_up(self, agreement: StoredAgreement, why: str) -> None:
        """Ends what the other side does not go along with; what has ended anyway is not spoken of again."""
        reason = {"message": why}
        if agreement.state is not AgreementState.PENDING:
            await self._book.of(agreement.role).mark_told(agreement.id, agreement.state)
        elif agreement.role is Role.REQUESTOR:
            await self._try(agreement, AgreementAction.REJECT, Role.PROVIDER, reason)
        else:
            await self._try(agreement, AgreementAction.CANCEL, Role.REQUESTOR, reason)

    async def _take_approval(self, sender: str, message: messages.ApproveAgreement) -> None:
        agreement = await self._received(sender, message.agreement_id, Role.REQUESTOR)
        if agreement is None:
            raise NotFound("the requestor knows no such agreement")
        if agreement.state is AgreementState.PENDING and agreement.valid_to < moments.now():
            await self._try(agreement, AgreementAction.EXPIRE)
        elif agreement.state is AgreementState.PENDING:
            await self._try(agreement, AgreementAction.APPROVE, told=True, approved=message.approved)
        agreement = await self._book.show(agreement.identity, agreement.id, Role.REQUESTOR)
        if agreement.state not in {AgreementState.APPROVED, AgreementState.TERMINATED}:
            raise Gone(f"the agreement is {agreement.state}")

    async def _take_rejection(self, sender: str, message: messages.RejectAgreement) -> None:
        agreement = await self._received(sender, message.agreement_id, Role.REQUESTOR)
        if agreement is not None:
            await self._try(agreement, AgreementAction.REJECT, Role.PROVIDER, _said(message.reason, Role.PROVIDER))

    async def _take_cancellation(self, sender: str, message: messages.CancelAgreement) -> None:
        agreement = await self._received(sender, message.agreement_id, Role.PROVIDER)
        if agreement is None:
            return
        # One by direct hire was approved at once.
        approved = agreement.state is AgreementState.APPROVED
        action = AgreementAction.TERMINATE if approved else AgreementAction.CANCEL
        await self._try(agreement, action, Role.REQUESTOR, _said(message.reason, Role.REQUESTOR))

    async def _take_end(self, sender: str, message: messages.TerminateAgreement) -> None:
        agreement = await self._received(sender, message.agreement_id, message.by.other)
        if agreement is not None:
            agreement = await self.acknowledge(agreement)
            await self._try(agreement, AgreementAction.TERMINATE, message.by, _said(message.reason, message.by))

    async def _received(self, sender: str, agreement_id: str, role: Role) -> StoredAgreement | None:
        """Finds the agreement that a message is about.

        Raises:
            Forbidden: the sender is not its other side.
        """
        agreement = await self._book.find(agreement_id, role)
        if agreement is not None and not self._control.proves(sender, agreement.other_identity):
            raise Forbidden(f"{agreement.other_identity} is not an identity of the node that asks")
        return agreement

    async def _try(
        self,
        agreement: StoredAgreement,
        action: AgreementAction,
        by: Role | None = None,
        reason: Reason | None = None,
        **values: Any,
    ) -> None:
        """Does something to an agreement unless something else has happened to it before."""
        try:
            if action is AgreementAction.APPROVE:
                await self._book.move(agreement, action, **values)
            else:
                await self._book.end(agreement, action, by, reason, told=True)
        except GolemVpnError as error:
            log.debug("an agreement changed meanwhile", agreement_id=agreement.id, error=error.message)

    async def _prune(self) -> None:
        while True:
            for role in Role:
                await self._book.of(role).prune(moments.now() - KEEP_FOR)
            await anyio.sleep(PRUNE_SECONDS)


def _message(agreement: StoredAgreement) -> Message | None:
    """Gives what there is to say of an agreement in its state, if there is anything."""
    reason = agreement.reason
    match agreement.role, agreement.state:
        case Role.REQUESTOR, AgreementState.PENDING if agreement.proposal_id is not None:
            return messages.ProposeAgreement(
                agreement.id,
                key_of(agreement.proposal_id),
                agreement.requestor_id,
                agreement.created,
                agreement.valid_to,
            )
        case Role.PROVIDER, AgreementState.PENDING if agreement.approved is not None:
            return messages.ApproveAgreement(agreement.id, agreement.approved)
        case Role.PROVIDER, AgreementState.REJECTED:
            return messages.RejectAgreement(agreement.id, reason)
        case Role.REQUESTOR, AgreementState.CANCELLED:
            return messages.CancelAgreement(agreement.id, reason)
        case _, AgreementState.TERMINATED:
            return messages.TerminateAgreement(agreement.id, agreement.role, reason)
        case _:
            return None


def _said(reason: Reason | None, by: Role) -> Reason:
    """Gives the other side's reason; applications expect that there is one.

    Raises:
        InvalidInput: it is too long.
    """
    return reasons.check(reason) or {"message": f"ended by the {by.lower()}"}


def _is_over(agreement: StoredAgreement) -> bool:
    """Says whether it is too late for the other side to hear of an agreement's state."""
    if agreement.state is AgreementState.PENDING:
        return agreement.valid_to + APPROVAL_PATIENCE < moments.now()
    patience = APPROVAL_PATIENCE if agreement.approved is None else TELL_FOR
    return moments.now() - (agreement.ended or agreement.created) > patience
