"""Provider agents of a real local set, hired through the market's REST API as SDKs do it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from golem_vpn.cli.local_set import LocalSet
from golem_vpn.sdk.client import Client
from tests.net.application import MARKET, PLATFORM, Application
from tests.net.commands import golem_vpn
from tests.net.nodes import requestor_and_providers

pytestmark = [pytest.mark.network, pytest.mark.anyio]


@asynccontextmanager
async def application(client: Client, **options: Any) -> AsyncIterator[Application]:
    """Opens an application, and closes it."""
    one = Application(client, **options)
    await one.open()
    yield one
    await one.close()


async def test_from_a_demand_to_an_accepted_invoice(client: Client) -> None:
    async with application(client) as app:
        agreement_id = await app.agreement()
        agreement = await client.ask(dict[str, Any], "GET", f"{MARKET}/agreements/{agreement_id}")
        assert agreement["state"] == "Approved"
        assert agreement["demand"]["demandId"] == app.demand_id
        offer = agreement["offer"]["properties"]
        activity_id = await client.create_activity(agreement_id)
        batch = await client.execute(
            activity_id,
            [{"deploy": {}}, {"start": {}}, {"run": {"entry_point": "/bin/sh", "args": ["-c", "echo served"]}}],
        )
        with anyio.fail_after(20):
            while not (results := await client.results(activity_id, batch)) or not results[-1].is_batch_finished:
                pass
        assert [result.result for result in results] == ["Ok", "Ok", "Ok"], results
        assert (await client.activity_state(activity_id)).state[0] == "Ready"
        await app.terminate(agreement_id)
        invoice = await app.invoice(agreement_id)
        assert (await client.activity_state(activity_id)).state[0] == "Terminated"
        await client.destroy_activity(activity_id)
        usage = (await client.activity_usage(activity_id)).current_usage
        coefficients = offer["golem.com.pricing.model.linear.coeffs"]
        amount = Decimal(invoice["amount"])
        assert amount == pytest.approx(
            Decimal(sum(used * price for used, price in zip(usage, coefficients, strict=False))), rel=Decimal("1e-9")
        )
        assert 0 < amount < Decimal("0.01")
        assert invoice["activityIds"] == [activity_id]
        assert invoice["payerAddr"] == (await client.me()).identity
        assert invoice["paymentPlatform"] == PLATFORM
        assert (await app.accept(invoice))["status"] in {"ACCEPTED", "SETTLED"}


async def test_both_providers_offer_both_runtimes(client: Client) -> None:
    async with application(client) as app:
        issuers = {(await app.proposal("Initial"))["issuerId"] for _ in range(2)}
        assert len(issuers) == 2
    async with application(client, runtime="vm") as app:
        proposal = await app.proposal("Initial")
        coefficients = proposal["properties"]["golem.com.pricing.model.linear.coeffs"]
        assert all(isinstance(coefficient, float) for coefficient in coefficients)


async def test_a_provider_is_there_again_after_its_agreement_has_ended(client: Client) -> None:
    async with application(client) as app:
        before = {(await app.proposal("Initial"))["issuerId"] for _ in range(2)}
    async with application(client) as app:
        first = await app.agreement()
        other = await app.proposal("Initial")
        await app.terminate(first)
        # Nothing was paid for, and the invoice says so: SDKs wait for it.
        assert Decimal((await app.invoice(first))["amount"]) == 0
        again = await app.proposal("Initial")
        assert {other["issuerId"], again["issuerId"]} == before


async def test_a_provider_that_pauses(local_set: LocalSet) -> None:
    provider = Path(next(daemon.data_dir for daemon in local_set.daemons() if daemon.name == "provider-1"))
    assert "golem-vpn" in golem_vpn(provider, "provider", "status")
    assert "0.036" in golem_vpn(provider, "provider", "presets")
    golem_vpn(provider, "provider", "pause")
    assert "paused" in golem_vpn(provider, "provider", "status")
    golem_vpn(provider, "provider", "resume")
    assert "paused" not in golem_vpn(provider, "provider", "status")
    assert "--provider" in golem_vpn(local_set.data_dir, "provider", "status", code=1)


@pytest.mark.timeout(180)
async def test_agreements_and_invoices_survive_kills(tmp_path: Path) -> None:
    async with requestor_and_providers(tmp_path, providers=1) as (requestor, provider):
        async with requestor.client() as client, application(client, subnet="public") as app:
            agreement_id = await app.agreement()
            provider.kill()
            await anyio.to_thread.run_sync(provider.start)
            await client.create_activity(agreement_id)
            provider.kill()
            await app.terminate(agreement_id)
            await anyio.to_thread.run_sync(provider.start)
            invoice = await app.invoice(agreement_id)
            assert len(invoice["activityIds"]) == 1
            second = await app.agreement()
            await app.terminate(second)
            assert (await app.invoice(second))["invoiceId"] != invoice["invoiceId"]
            invoices = await client.ask(list[dict[str, Any]], "GET", "/payment-api/v1/invoices")
            assert sorted(found["agreementId"] for found in invoices) == sorted([agreement_id, second])
