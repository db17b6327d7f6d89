from typing import Any

import anyio
import httpx
import pytest

from golem_vpn.api.app_keys import AppKeys
from golem_vpn.net.identity import Identities
from tests.unit.payment.kit import HOLESKY, HOODI

pytestmark = pytest.mark.anyio

PATH = "/payment-api/v1"
ALLOCATION = {
    "allocationId": "",
    "totalAmount": "1.50",
    "spentAmount": "",
    "remainingAmount": "",
    "paymentPlatform": HOODI,
    "timestamp": "2026-11-22T10:23:27.553817+00:00",
    "timeout": "2999-11-22T10:23:27.553Z",
    "makeDeposit": False,
}
"""As applications send it."""


async def allocate(client: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    answer = await client.post(f"{PATH}/allocations", json=ALLOCATION | changes)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_accounts_say_what_they_are_worth(client: httpx.AsyncClient, app_keys: AppKeys) -> None:
    accounts = (await client.get(f"{PATH}/requestorAccounts")).json()
    assert [account["platform"] for account in accounts] == [HOLESKY, HOODI]
    assert accounts[0] == {
        "platform": HOLESKY, "address": app_keys.list()[0].identity, "driver": "erc20", "network": "holesky",
        "token": "tglm", "send": True, "receive": False, "settledBy": "ledger", "movesTokens": False,
        "description": "signed balances between nodes, kept in their databases; no tokens are moved",
    }  # fmt: skip
    assert {account["receive"] for account in (await client.get(f"{PATH}/providerAccounts")).json()} == {True}


async def test_an_allocation_from_its_making_to_its_release(client: httpx.AsyncClient, app_keys: AppKeys) -> None:
    made = await allocate(client)
    assert made["address"] == app_keys.list()[0].identity
    assert (made["totalAmount"], made["spentAmount"], made["remainingAmount"]) == ("1.5", "0", "1.5")
    assert (made["paymentPlatform"], made["makeDeposit"]) == (HOODI, False)
    one = f"{PATH}/allocations/{made['allocationId']}"
    assert (await client.get(one)).json() == made
    assert (await client.get(f"{PATH}/allocations")).json() == [made]
    amended = await client.put(one, json={"totalAmount": "0.25"})
    assert (amended.json()["totalAmount"], amended.json()["timeout"]) == ("0.25", made["timeout"])
    released = await client.delete(one)
    assert (released.status_code, released.text) == (200, "null")
    assert [(await client.request(method, one)).status_code for method in ("GET", "DELETE")] == [410, 410]
    assert (await client.get(f"{PATH}/allocations")).json() == []


@pytest.mark.parametrize(
    ("platform", "meant"),
    [(None, HOLESKY), ({"network": "hoodi"}, HOODI), ({"driver": "erc20"}, HOLESKY), (HOODI, HOODI)],
)
async def test_the_ways_to_name_a_platform(client: httpx.AsyncClient, platform: Any, meant: str) -> None:
    assert (await allocate(client, paymentPlatform=platform))["paymentPlatform"] == meant


async def test_the_address_keeps_its_letters(client: httpx.AsyncClient, app_keys: AppKeys) -> None:
    mixed = app_keys.list()[0].identity.upper().replace("0X", "0x")
    assert (await allocate(client, address=mixed))["address"] == mixed


@pytest.mark.parametrize(
    "wrong",
    [
        {"totalAmount": "-1"}, {"totalAmount": "much"}, {"totalAmount": "NaN"}, {"totalAmount": "1e30"},
        {"totalAmount": None}, {"address": "0x" + "f" * 40}, {"paymentPlatform": "erc20-moon-glm"},
        {"paymentPlatform": {"network": "moon"}}, {"timeout": "2020-01-01T00:00:00Z"}, {"timeout": "soon"},
        {"timeout": "9999-12-31T23:59:59-23:59"}, {"paymentPlatform": ""}, {"address": ""},
        {"makeDeposit": True}, {"deposit": {"id": "1", "contract": "0x0"}},
    ],
)  # fmt: skip
async def test_allocations_that_cannot_be(client: httpx.AsyncClient, wrong: dict[str, Any]) -> None:
    answer = await client.post(f"{PATH}/allocations", json=ALLOCATION | wrong)
    assert answer.status_code == 400
    assert set(answer.json()) == {"message"}
    assert (await client.get(f"{PATH}/allocations")).json() == []


async def test_what_a_demand_has_to_say(client: httpx.AsyncClient) -> None:
    holesky, hoodi = await allocate(client, paymentPlatform=HOLESKY), await allocate(client)
    key = f"golem.com.payment.platform.{HOLESKY}.address"
    query = {"allocationIds": holesky["allocationId"]}
    assert (await client.get(f"{PATH}/demandDecorations", params=query)).json() == {
        "properties": [
            {"key": key, "value": holesky["address"]},
            {"key": "golem.com.payment.protocol.version", "value": "3"},
        ],
        "constraints": [f"({key}=*)", "(golem.com.payment.protocol.version>1)"],
    }
    ids = [holesky["allocationId"], hoodi["allocationId"]]
    for several in ([",".join(ids)], ids):
        answer = (await client.get(f"{PATH}/demandDecorations", params={"allocationIds": several})).json()
        assert answer["constraints"][0] == f"(|({key}=*)({key.replace('holesky', 'hoodi')}=*))"
    assert (await client.get(f"{PATH}/demandDecorations")).status_code == 400
    assert (await client.get(f"{PATH}/demandDecorations?allocationIds=,")).status_code == 400
    assert (await client.get(f"{PATH}/demandDecorations?allocationIds=none")).status_code == 404


async def test_allocations_are_their_owners_own(
    client: httpx.AsyncClient, app_keys: AppKeys, identities: Identities
) -> None:
    made = await allocate(client)
    other = await anyio.to_thread.run_sync(identities.create, "other")
    _, secret = await app_keys.create("other", other.node_id)
    client.headers["Authorization"] = f"Bearer {secret}"
    for method in ("GET", "DELETE"):
        assert (await client.request(method, f"{PATH}/allocations/{made['allocationId']}")).status_code == 404
    assert (await client.get(f"{PATH}/allocations")).json() == []


@pytest.mark.parametrize("path", ["invoiceEvents", "debitNoteEvents", "payments"])
async def test_polls_that_end_without_news(client: httpx.AsyncClient, path: str) -> None:
    after = "2026-11-22T10:23:27.553817%2B00:00"
    for query in ("timeout=0", "pollTimeout=0", f"timeout=0&maxEvents=100&appSessionId=a&afterTimestamp={after}"):
        answer = await client.get(f"{PATH}/{path}?{query}")
        assert (answer.status_code, answer.json()) == (200, [])
    for query in ("timeout=-1", "timeout=nan", "maxEvents=0", "timeout=0&afterTimestamp=now"):
        assert (await client.get(f"{PATH}/{path}?{query}")).status_code == 400


async def test_what_is_not_there(client: httpx.AsyncClient) -> None:
    for path in ("allocations/x", "invoices/x", "debitNotes/x", "payments/x", "invoices/x/payments"):
        assert (await client.get(f"{PATH}/{path}")).status_code == 404
    for path in ("invoices", "debitNotes", "balances", "payments/status", "payments?timeout=0&network=hoodi"):
        assert (await client.get(f"{PATH}/{path}")).json() == []
