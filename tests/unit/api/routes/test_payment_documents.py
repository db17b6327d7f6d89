from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import anyio
import httpx
import pytest

from golem_vpn.api.dependencies import Services
from golem_vpn.store.activities import ActivityRepository, StoredActivity
from golem_vpn.store.agreements import Role
from golem_vpn.store.database import Database
from golem_vpn.store.payment import DocumentState, Kind
from tests.unit.net.kit import Node, running
from tests.unit.payment.kit import DUE, HOLESKY, Party, Trade, agree
from tests.unit.provider.kit import World

pytestmark = pytest.mark.anyio

PATH = "/payment-api/v1"


@pytest.fixture
async def parties(
    world: World, node: Node, database: Database, services: Services
) -> AsyncIterator[tuple[Party, Party]]:
    """The daemon of the API, and another one."""
    alice = Party(node, database, services.payments)
    async with (
        Trade(world.directory, world.wire).party("bob") as bob,
        running(node),
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(alice.service.run)
        node.knows(bob.node)
        bob.node.knows(node)
        yield alice, bob
        tasks.cancel_scope.cancel()


async def allocate(client: httpx.AsyncClient) -> str:
    made = await client.post(f"{PATH}/allocations", json={"totalAmount": "5", "paymentPlatform": HOLESKY})
    return str(made.json()["allocationId"])


async def only_event(client: httpx.AsyncClient, kind: str, **headers: str) -> dict[str, Any]:
    [event] = (await client.get(f"{PATH}/{kind}Events?timeout=20", headers=headers)).json()
    return dict(event)


async def test_a_received_invoice(client: httpx.AsyncClient, parties: tuple[Party, Party]) -> None:
    alice, bob = parties
    agreement = await agree(alice, bob, app_session_id="ours")
    invoice_id = await bob.service.issue_invoice(agreement, ["a1"], Decimal("0.50"), DUE)

    event = await only_event(client, "invoice")
    assert event == {"eventType": "InvoiceReceivedEvent", "eventDate": event["eventDate"], "invoiceId": invoice_id}
    for query, events in (
        ("appSessionId=ours", [event]), ("appSessionId=other", []), (f"afterTimestamp={event['eventDate']}", []),
    ):  # fmt: skip
        assert (await client.get(f"{PATH}/invoiceEvents?timeout=0&{query}")).json() == events

    one = f"{PATH}/invoices/{invoice_id}"
    invoice = (await client.get(one)).json()
    assert invoice == {
        "invoiceId": invoice_id, "issuerId": bob.id, "recipientId": alice.id, "payeeAddr": bob.id,
        "payerAddr": alice.id, "paymentPlatform": HOLESKY, "timestamp": invoice["timestamp"],
        "agreementId": agreement.id, "activityIds": ["a1"], "amount": "0.5", "paymentDueDate": "2999-01-01T00:00:00Z",
        "status": "RECEIVED",
    }  # fmt: skip
    assert (await client.get(f"{PATH}/invoices")).json() == [invoice]
    assert (await client.get(f"{PATH}/invoices?afterTimestamp={invoice['timestamp']}")).json() == []

    consent = {"totalAmountAccepted": "0.50", "allocationId": await allocate(client)}
    for _ in range(2):
        answer = await client.post(f"{one}/accept?timeout=5", json=consent)
        assert (answer.status_code, answer.text) == (200, "null")
    assert (await client.get(one)).json()["status"] == "ACCEPTED"
    assert (await client.get(f"{one}/payments")).json() == []
    refusal = {"rejectionReason": "BAD_SERVICE", "totalAmountAccepted": "0.00", "message": "late"}
    assert (await client.post(f"{one}/reject", json=refusal)).status_code == 409
    await bob.becomes(DocumentState.ACCEPTED, invoice_id)


async def test_a_received_debit_note(client: httpx.AsyncClient, parties: tuple[Party, Party]) -> None:
    alice, bob = parties
    note_id = await bob.service.issue_debit_note(await agree(alice, bob), "a1", Decimal(1), [0.5, 2.0], None)
    event = await only_event(client, "debitNote")
    assert (event["eventType"], event["debitNoteId"]) == ("DebitNoteReceivedEvent", note_id)
    one = f"{PATH}/debitNotes/{note_id}"
    note = (await client.get(one)).json()
    assert (note["activityId"], note["totalAmountDue"], note["usageCounterVector"]) == ("a1", "1", [0.5, 2.0])
    assert {"paymentDueDate", "previousDebitNoteId"}.isdisjoint(note)
    assert (await client.get(f"{PATH}/debitNotes")).json() == [note]
    refusal = {"rejectionReason": "INCORRECT_AMOUNT", "totalAmountAccepted": "0.00", "message": "less"}
    assert (await client.post(f"{one}/reject?timeout=5", json=refusal)).text == "null"
    rejected = await only_event(client, "debitNote", **{"X-Requestor-Events": "REJECTED"})
    assert rejected["rejection"] == refusal | {"totalAmountAccepted": "0"}
    await bob.becomes(DocumentState.REJECTED, note_id, Kind.DEBIT_NOTE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"totalAmountAccepted": "0.4"}, {"totalAmountAccepted": "-1"}, {"allocationId": "none"},
        {"totalAmountAccepted": None}, {"allocationId": 5},
    ],
)  # fmt: skip
async def test_consents_that_are_wrong(
    client: httpx.AsyncClient, parties: tuple[Party, Party], wrong: dict[str, Any]
) -> None:
    alice, bob = parties
    invoice_id = await bob.service.issue_invoice(await agree(alice, bob), [], Decimal("0.5"), DUE)
    await only_event(client, "invoice")
    consent = {"totalAmountAccepted": "0.50", "allocationId": await allocate(client)}
    assert (await client.post(f"{PATH}/invoices/{invoice_id}/accept", json=consent | wrong)).status_code == 400
    assert (await client.post(f"{PATH}/debitNotes/{invoice_id}/accept", json=consent)).status_code == 404
    for refusal in ({"rejectionReason": "UGLY"}, {"rejectionReason": "BAD_SERVICE", "message": "x" * 10_001}):
        body = {"totalAmountAccepted": "0", **refusal}
        assert (await client.post(f"{PATH}/invoices/{invoice_id}/reject", json=body)).status_code == 400
    assert (await client.get(f"{PATH}/invoices/{invoice_id}")).json()["status"] == "RECEIVED"


async def test_what_the_caller_asks_for(
    client: httpx.AsyncClient, parties: tuple[Party, Party], database: Database
) -> None:
    alice, bob = parties
    agreement = await agree(bob, alice)
    activity = StoredActivity(id="a1", role=Role.PROVIDER, agreement_id=agreement.id, created=agreement.created)
    await ActivityRepository(database, Role.PROVIDER).add(activity)
    note = await client.post(
        f"{PATH}/debitNotes",
        json={"activityId": "a1", "totalAmountDue": "0.25", "usageCounterVector": [1, 2.5], "paymentDueDate": None},
    )
    bill = {"agreementId": agreement.id, "amount": "0.5", "paymentDueDate": "2999-01-01T00:00:00"}
    invoice = await client.post(f"{PATH}/invoices", json=bill)
    assert (note.status_code, invoice.status_code) == (201, 201)
    assert (await client.post(f"{PATH}/invoices", json=bill)).status_code == 409
    note_id, invoice_id = note.json()["debitNoteId"], invoice.json()["invoiceId"]
    assert (note.json()["status"], await bob.states(Kind.DEBIT_NOTE)) == ("ISSUED", [])
    for path in (f"debitNotes/{note_id}", f"invoices/{invoice_id}"):
        assert (await client.post(f"{PATH}/{path}/send?timeout=5")).text == "null"
    await bob.received(note_id, kind=Kind.DEBIT_NOTE)
    await bob.received(invoice_id)
    await alice.becomes(DocumentState.RECEIVED, invoice_id)
    assert (await client.post(f"{PATH}/invoices/{invoice_id}/cancel")).text == "null"
    await bob.becomes(DocumentState.CANCELLED, invoice_id)
    await bob.service.deciding.reject(bob.id, Kind.DEBIT_NOTE, note_id, {"message": "no"})
    event = await only_event(client, "debitNote")
    assert (event["eventType"], event["rejection"]) == ("DebitNoteRejectedEvent", {"message": "no"})


async def test_what_the_caller_cannot_ask_for(client: httpx.AsyncClient, parties: tuple[Party, Party]) -> None:
    alice, bob = parties
    of_another = await agree(alice, bob)
    for agreement_id in ("none", of_another.id):
        bill = {"agreementId": agreement_id, "amount": "0.5", "paymentDueDate": "2999-01-01T00:00:00Z"}
        assert (await client.post(f"{PATH}/invoices", json=bill)).status_code == 404
    assert (await client.post(f"{PATH}/debitNotes", json={"activityId": "x", "totalAmountDue": "1"})).status_code == 404
    for path in ("invoices/x/send", "debitNotes/x/cancel"):
        assert (await client.post(f"{PATH}/{path}")).status_code == 404
        assert (await client.post(f"{PATH}/{path}?timeout=-1")).status_code == 400
    header = {"X-Provider-Events": "accepted, LOST"}
    answer = await client.get(f"{PATH}/invoiceEvents?timeout=0", headers=header)
    assert (answer.status_code, "LOST" in answer.text) == (400, True)
