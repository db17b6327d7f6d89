from datetime import UTC, datetime
from decimal import Decimal
from itertools import product

import msgspec
import pytest

from golem_vpn.errors import Conflict
from golem_vpn.payment import states
from golem_vpn.payment.states import ACCEPTED, CANCELLED, FAILED, ISSUED, RECEIVED, REJECTED, SETTLED
from golem_vpn.store.agreements import Role
from golem_vpn.store.payment import Document, DocumentState, Event, Kind, Step
from tests.unit.payment.kit import HOLESKY, Trade

DOCUMENT = Document(
    id="1", role=Role.REQUESTOR, kind=Kind.INVOICE, issuer_id="b", recipient_id="a", owner_id="a",
    payee_address="b", payer_address="a", platform=HOLESKY, agreement_id="2", activity_ids=(), amount=Decimal(1),
    created=datetime(2026, 11, 22, tzinfo=UTC), state=ISSUED,
)  # fmt: skip

LEADS_ON = {
    ISSUED: {Step.RECEIVE: RECEIVED, Step.ACCEPT: ACCEPTED, Step.REJECT: REJECTED, Step.CANCEL: CANCELLED,
             Step.FAIL: FAILED},
    RECEIVED: {Step.ACCEPT: ACCEPTED, Step.REJECT: REJECTED, Step.CANCEL: CANCELLED},
    ACCEPTED: {Step.SETTLE: SETTLED, Step.FAIL: FAILED},
    REJECTED: {Step.ACCEPT: ACCEPTED, Step.CANCEL: CANCELLED},
    FAILED: {Step.ACCEPT: ACCEPTED, Step.CANCEL: CANCELLED},
    SETTLED: {},
    CANCELLED: {},
}  # fmt: skip
CHANGES_NOTHING = {
    ISSUED: set(),
    RECEIVED: {Step.RECEIVE},
    ACCEPTED: {Step.RECEIVE, Step.ACCEPT},
    REJECTED: {Step.RECEIVE, Step.REJECT},
    FAILED: {Step.RECEIVE, Step.FAIL},
    SETTLED: {Step.RECEIVE, Step.ACCEPT, Step.SETTLE},
    CANCELLED: {Step.RECEIVE, Step.CANCEL},
}
EVERYTHING = list(product(DocumentState, Step, Kind))


@pytest.mark.parametrize(("state", "step", "kind"), EVERYTHING)
def test_every_step_from_everywhere(state: DocumentState, step: Step, kind: Kind) -> None:
    document = msgspec.structs.replace(DOCUMENT, state=state, kind=kind)
    if step in LEADS_ON[state]:
        assert states.after(document, step) is LEADS_ON[state][step]
    elif step in CHANGES_NOTHING[state]:
        assert states.after(document, step) is state
    else:
        with pytest.raises(Conflict, match=state):
            states.after(document, step)


@pytest.mark.anyio
async def test_only_a_step_that_leads_on_is_stored_and_told(trade: Trade) -> None:
    async with trade.party("alice") as alice:
        for number, (state, step, kind) in enumerate(EVERYTHING):
            document = msgspec.structs.replace(DOCUMENT, id=str(number), state=state, kind=kind)
            async with alice.service.journal.writing() as entry:
                await entry.records.put(document)
            try:
                async with alice.service.journal.writing() as entry:
                    await entry.step(document, step)
            except Conflict:
                pass
            async with alice.service.journal.reading() as records:
                stored = await records.find(Document, document.id, Role.REQUESTOR)
                events = await records.list(Event, document_id=document.id)
            assert stored is not None
            assert stored.state is LEADS_ON[state].get(step, state)
            assert [event.step for event in events] == ([step] if step in LEADS_ON[state] else [])


def test_the_message_says_what_cannot_be() -> None:
    settled = msgspec.structs.replace(DOCUMENT, state=SETTLED, kind=Kind.DEBIT_NOTE)
    with pytest.raises(Conflict, match="the debit note is SETTLED and can't be rejected"):
        states.after(settled, Step.REJECT)
