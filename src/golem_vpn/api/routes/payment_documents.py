"""The Payment API: invoices, debit notes and their events, which work alike."""

from typing import Annotated, Any, ClassVar

import msgspec
from litestar import Controller, Request, Router, get, post
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from golem_vpn import moments
from golem_vpn.api import payment_models as models
from golem_vpn.api import prefixes
from golem_vpn.api.clients import while_connected
from golem_vpn.api.dependencies import Caller, Payments
from golem_vpn.api.failures import json_body, raises
from golem_vpn.api.polls import After, Limit, MaxEvents, PollTimeout, Timeout, moment, number_of, seconds
from golem_vpn.errors import InvalidInput
from golem_vpn.payment import amounts
from golem_vpn.payment.journal import EventQuery
from golem_vpn.payment.service import PaymentService
from golem_vpn.store.agreements import Role
from golem_vpn.store.payment import Kind, Step

MAX_MESSAGE_LENGTH = 10_000
DEFAULT_STEPS = {
    Role.REQUESTOR: (Step.RECEIVE, Step.CANCEL),
    Role.PROVIDER: (Step.ACCEPT, Step.REJECT, Step.SETTLE, Step.FAIL),
}
"""What the other side did, or the daemon; everything, one's own deeds included, is to be had by the headers."""

AckTimeout = Annotated[float | None, QueryParameter(name="timeout")]
"""Taken for the sake of applications: what is said is stored at once, and told to the other side when it is there."""
SessionId = Annotated[str | None, QueryParameter(name="appSessionId")]
RequestorEvents = Annotated[str | None, HeaderParameter(name="X-Requestor-Events")]
ProviderEvents = Annotated[str | None, HeaderParameter(name="X-Provider-Events")]


class Documents(Controller):
    """What can be done with invoices as with debit notes."""

    kind: ClassVar[Kind]

    @post(
        "/{document_id:str}/accept", status_code=HTTP_200_OK, guards=[json_body], responses=raises(400, 404, 409, 410)
    )
    async def accept(
        self, caller: Caller, payments: Payments, document_id: FromPath[str], data: JSONBody[models.Acceptance],
        timeout: AckTimeout = None,
    ) -> None:  # fmt: skip
        """Agrees to pay it, from an allocation."""
        seconds(timeout)
        amount = amounts.parse(data.total_amount_accepted, "totalAmountAccepted")
        await payments.deciding.accept(caller.identity, self.kind, document_id, amount, data.allocation_id)

    @post("/{document_id:str}/reject", status_code=HTTP_200_OK, guards=[json_body], responses=raises(400, 404, 409))
    async def reject(
        self, caller: Caller, payments: Payments, document_id: FromPath[str], data: JSONBody[models.Rejection],
        timeout: AckTimeout = None,
    ) -> None:  # fmt: skip
        """Refuses to pay it; it can still be accepted later."""
        seconds(timeout)
        accepted = amounts.to_text(amounts.parse(data.total_amount_accepted, "totalAmountAccepted"))
        if len(data.message or "") > MAX_MESSAGE_LENGTH:
            raise InvalidInput(f"message: at most {MAX_MESSAGE_LENGTH} characters")
        rejection = {**msgspec.to_builtins(data), "totalAmountAccepted": accepted}
        await payments.deciding.reject(caller.identity, self.kind, document_id, rejection)

    @post("/{document_id:str}/send", status_code=HTTP_200_OK, responses=raises(400, 404))
    async def send(
        self, caller: Caller, payments: Payments, document_id: FromPath[str], timeout: AckTimeout = None
    ) -> None:
        """Hands what the caller issued to the requestor, as soon as its node is there."""
        seconds(timeout)
        await payments.issuing.send(caller.identity, self.kind, document_id)

    @post("/{document_id:str}/cancel", status_code=HTTP_200_OK, responses=raises(400, 404, 409, 502))
    async def cancel(
        self, caller: Caller, payments: Payments, document_id: FromPath[str], timeout: AckTimeout = None
    ) -> None:
        """Takes back what the caller issued, unless the requestor accepted it."""
        seconds(timeout)
        await payments.issuing.cancel(caller.identity, self.kind, document_id)

    @get("/{document_id:str}/payments", responses=raises(404))
    async def list_payments_for(
        self, caller: Caller, payments: Payments, document_id: FromPath[str]
    ) -> list[models.PaymentInfo]:
        """Lists the payments of which a part is for it."""
        document = await payments.document(caller.identity, self.kind, document_id)
        return [models.PaymentInfo.of(payment) for payment in await payments.payments_for(document)]


class Invoices(Documents):
    """Invoices."""

    path = "/invoices"
    kind = Kind.INVOICE

    @post(status_code=HTTP_201_CREATED, guards=[json_body], responses=raises(400, 403, 404, 409))
    async def issue_invoice(
        self, caller: Caller, payments: Payments, data: JSONBody[models.NewInvoice]
    ) -> models.InvoiceInfo:
        """Issues an invoice for an agreement that the caller is the provider of; `send` hands it over."""
        agreement = await payments.provided(caller.identity, data.agreement_id)
        amount, due = amounts.parse(data.amount, "amount"), moments.in_utc(data.payment_due_date)
        document = await payments.issuing.issue_invoice(agreement, data.activity_ids, amount, due, send=False)
        return models.InvoiceInfo.of(document)

    @get(responses=raises(400))
    async def list_invoices(
        self, caller: Caller, payments: Payments, after: After = None, max_items: Limit = None
    ) -> list[models.InvoiceInfo]:
        """Lists the invoices that the caller received or issued, oldest first."""
        limit = number_of(max_items, "maxItems")
        found = await payments.documents(caller.identity, self.kind, moment(after), limit)
        return [models.InvoiceInfo.of(document) for document in found]

    @get("/{document_id:str}", responses=raises(404))
    async def show_invoice(self, caller: Caller, payments: Payments, document_id: FromPath[str]) -> models.InvoiceInfo:
        """Shows an invoice."""
        return models.InvoiceInfo.of(await payments.document(caller.identity, self.kind, document_id))


class DebitNotes(Documents):
    """Debit notes."""

    path = "/debitNotes"
    kind = Kind.DEBIT_NOTE

    @post(status_code=HTTP_201_CREATED, guards=[json_body], responses=raises(400, 403, 404))
    async def issue_debit_note(
        self, caller: Caller, payments: Payments, data: JSONBody[models.NewDebitNote]
    ) -> models.DebitNoteInfo:
        """Issues a debit note for an activity that the caller provides; `send` hands it over."""
        agreement = await payments.agreement_of(caller.identity, data.activity_id)
        due = None if data.payment_due_date is None else moments.in_utc(data.payment_due_date)
        total = amounts.parse(data.total_amount_due, "totalAmountDue")
        document = await payments.issuing.issue_debit_note(
            agreement, data.activity_id, total, data.usage_counter_vector, due, send=False
        )
        return models.DebitNoteInfo.of(document)

    @get(responses=raises(400))
    async def list_debit_notes(
        self, caller: Caller, payments: Payments, after: After = None, max_items: Limit = None
    ) -> list[models.DebitNoteInfo]:
        """Lists the debit notes that the caller received or issued, oldest first."""
        limit = number_of(max_items, "maxItems")
        found = await payments.documents(caller.identity, self.kind, moment(after), limit)
        return [models.DebitNoteInfo.of(document) for document in found]

    @get("/{document_id:str}", responses=raises(404))
    async def show_debit_note(
        self, caller: Caller, payments: Payments, document_id: FromPath[str]
    ) -> models.DebitNoteInfo:
        """Shows a debit note."""
        return models.DebitNoteInfo.of(await payments.document(caller.identity, self.kind, document_id))


@get("/invoiceEvents", responses=raises(400))
async def list_invoice_events(
    request: Request[Any, Any, Any],
    caller: Caller,
    payments: Payments,
    timeout: Timeout = None,
    poll_timeout: PollTimeout = None,
    after: After = None,
    max_events: MaxEvents = None,
    session: SessionId = None,
    requestor_events: RequestorEvents = None,
    provider_events: ProviderEvents = None,
) -> list[models.EventInfo]:
    """Lists what happened to invoices, oldest first, once something did or the time (seconds) is over."""
    query = EventQuery(
        owner_id=caller.identity, kind=Kind.INVOICE, steps=_steps(requestor_events, provider_events),
        after=moment(after), limit=number_of(max_events, "maxEvents"), app_session_id=session,
    )  # fmt: skip
    return await _events(request, payments, query, seconds(timeout, poll_timeout))


@get("/debitNoteEvents", responses=raises(400))
async def list_debit_note_events(
    request: Request[Any, Any, Any],
    caller: Caller,
    payments: Payments,
    timeout: Timeout = None,
    poll_timeout: PollTimeout = None,
    after: After = None,
    max_events: MaxEvents = None,
    session: SessionId = None,
    requestor_events: RequestorEvents = None,
    provider_events: ProviderEvents = None,
) -> list[models.EventInfo]:
    """Lists what happened to debit notes, oldest first, once something did or the time (seconds) is over."""
    query = EventQuery(
        owner_id=caller.identity, kind=Kind.DEBIT_NOTE, steps=_steps(requestor_events, provider_events),
        after=moment(after), limit=number_of(max_events, "maxEvents"), app_session_id=session,
    )  # fmt: skip
    return await _events(request, payments, query, seconds(timeout, poll_timeout))


async def _events(
    request: Request[Any, Any, Any], payments: PaymentService, query: EventQuery, timeout: float
) -> list[models.EventInfo]:
    found = await while_connected(request, lambda: payments.journal.events(query, timeout))
    return [models.EventInfo.of(event) for event in found]


def _steps(requestor_events: str | None, provider_events: str | None) -> dict[Role, tuple[Step, ...]]:
    headers = {Role.REQUESTOR: requestor_events, Role.PROVIDER: provider_events}
    return {
        role: DEFAULT_STEPS[role]
        if header is None
        else tuple(_step(name.strip()) for name in header.split(",") if name)
        for role, header in headers.items()
    }


def _step(name: str) -> Step:
    try:
        return Step(name.capitalize())
    except ValueError:
        known = ", ".join(step.upper() for step in Step)
        raise InvalidInput(f"{name[:64]!r} is no kind of event; there are {known}") from None


def router() -> Router:
    """Gives the routes."""
    return Router(
        prefixes.PAYMENT,
        route_handlers=[Invoices, DebitNotes, list_invoice_events, list_debit_note_events],
        tags=["Payment API"],
    )
