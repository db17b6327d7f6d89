"""Invoices between daemons that are killed whenever it hurts most."""

from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from golem_vpn.sdk.client import Client
from tests.net.nodes import TestNode, requestor_and_providers

pytestmark = [pytest.mark.network, pytest.mark.anyio, pytest.mark.timeout(180)]

PAYMENT = "/payment-api/v1"
HOODI = "erc20-hoodi-tglm"


async def test_an_invoice_survives_the_daemons_of_both_sides(tmp_path: Path) -> None:
    async with requestor_and_providers(tmp_path, 1) as (requestor, provider):
        async with requestor.client() as client, provider.client() as payee:
            allocation = await client.payment.allocate("1", platform=HOODI)
            agreement_id = await _hire(client, provider.node_id)
            requestor.kill()
            invoice_id = await _issue(payee, agreement_id, "0.25")
        await _restart(provider)
        await _restart(requestor)
        async with requestor.client() as client, provider.client() as payee:
            [event] = await _events(client, timeout=20)
            assert (event["eventType"], event["invoiceId"]) == ("InvoiceReceivedEvent", invoice_id)
            [invoice] = await client.payment.invoices()
            provider.kill()
            await client.payment.accept_invoice(invoice, allocation.allocation_id)
        await _restart(requestor)
        await _restart(provider)
        async with requestor.client() as client, provider.client() as payee:
            assert await _events(client, timeout=0) == [event]
            assert await _events(client, timeout=0, afterTimestamp=event["eventDate"]) == []
            for side in (client, payee):
                await _until_settled(side)
            [kept] = await client.payment.allocations()
            assert str(kept.remaining_amount) == "0.75"
            [sent], [received] = await client.payment.balances(), await payee.payment.balances()
            assert str(sent.sent) == str(received.received) == "0.25"
            assert [p.payment_id for p in await client.payment.payments()] == [
                p.payment_id for p in await payee.payment.payments()
            ]


async def _hire(client: Client, provider_id: str) -> str:
    me = (await client.me()).identity
    properties = {"golem.com.payment.chosen-platform": HOODI, f"golem.com.payment.platform.{HOODI}.address": me}
    body = {"providerId": provider_id, "demandProperties": properties}
    agreement = await client.ask(dict[str, Any], "POST", "/golem-vpn/v1/agreements", body)
    return str(agreement["agreementId"])


async def _issue(payee: Client, agreement_id: str, amount: str) -> str:
    body = {"agreementId": agreement_id, "amount": amount, "paymentDueDate": "2999-01-01T00:00:00Z"}
    invoice = await payee.ask(dict[str, Any], "POST", f"{PAYMENT}/invoices", body)
    await payee.ask(type(None), "POST", f"{PAYMENT}/invoices/{invoice['invoiceId']}/send")
    return str(invoice["invoiceId"])


async def _events(client: Client, **query: float | str) -> list[dict[str, Any]]:
    return await client.ask(list[dict[str, Any]], "GET", f"{PAYMENT}/invoiceEvents", **query)


async def _restart(node: TestNode) -> None:
    if node.process is not None and node.process.running:
        node.kill()
    await anyio.to_thread.run_sync(node.start)


async def _until_settled(client: Client) -> None:
    with anyio.fail_after(40):
        while [invoice.status for invoice in await client.payment.invoices()] != ["SETTLED"]:
            await anyio.sleep(0.2)
