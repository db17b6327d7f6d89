from datetime import timedelta
from typing import Any

import anyio
import httpx
import pytest

from golem_vpn import moments
from golem_vpn.api.app_keys import AppKeys
from golem_vpn.market.documents import ProposalEvent
from golem_vpn.net.identity import Identities
from tests.unit.market.kit import CONDITION, DEMAND, OFFER, WISH
from tests.unit.market.kit import asked as asked_for_agreement
from tests.unit.market.kit import offer as make_offer
from tests.unit.market.kit import proposed as proposed_to
from tests.unit.provider.kit import Provider

pytestmark = pytest.mark.anyio

PATH = "/market-api/v1"
EMPTY_JSON = {"Content-Type": "application/json"}
"""What Python clients send with an empty body."""


async def demand(client: httpx.AsyncClient) -> str:
    response = await client.post(f"{PATH}/demands", json={"properties": DEMAND, "constraints": WISH})
    assert (response.status_code, response.headers["content-type"]) == (201, "application/json")
    return str(response.json())


async def news(client: httpx.AsyncClient, one: str, **query: Any) -> Any:
    response = await client.get(f"{one}/events", params={"timeout": 20, "maxEvents": 10} | query)
    assert response.status_code == 200
    return response.json()


async def negotiated(client: httpx.AsyncClient, provider: Provider) -> tuple[str, str, str]:
    """Brings a demand and an offer to the provider's draft; gives their ids and the draft's."""
    demand_id, offer_id = await demand(client), await make_offer(provider)
    one = f"{PATH}/demands/{demand_id}"
    [match] = await news(client, one)
    own = await client.post(
        f"{one}/proposals/{match['proposal']['proposalId']}", json={"properties": DEMAND, "constraints": WISH}
    )
    assert (own.status_code, own.headers["content-type"]) == (200, "application/json")
    wish = await proposed_to(provider, offer_id)
    await provider.market.offers.counter(provider.id, offer_id, wish.proposal_id, OFFER, CONDITION)
    [event] = await news(client, one)
    draft = event["proposal"]
    assert (draft["state"], draft["prevProposalId"], draft["issuerId"]) == ("Draft", own.json(), provider.id)
    return demand_id, offer_id, draft["proposalId"]


async def create(client: httpx.AsyncClient, proposal_id: str) -> str:
    valid_to = moments.to_text(moments.now() + timedelta(hours=1))
    response = await client.post(f"{PATH}/agreements", json={"proposalId": proposal_id, "validTo": valid_to})
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    return str(response.json())


async def test_demands_come_and_go(client: httpx.AsyncClient, provider: Provider, identities: Identities) -> None:
    demand_id = await demand(client)
    [shown] = (await client.get(f"{PATH}/demands")).json()
    assert shown.pop("timestamp").endswith("Z")
    assert shown == {
        "demandId": demand_id,
        "requestorId": identities.default.node_id,
        "properties": DEMAND,
        "constraints": WISH,
    }
    one = f"{PATH}/demands/{demand_id}"
    assert await news(client, one, timeout=0) == []
    assert (await client.delete(one)).status_code == 204
    assert (await client.delete(one)).status_code == 404
    assert (await client.get(f"{one}/events")).status_code == 404
    assert (await client.get(f"{PATH}/demands")).json() == []


async def test_offers_come_and_go(client: httpx.AsyncClient, identities: Identities) -> None:
    response = await client.post(f"{PATH}/offers", json={"properties": OFFER, "constraints": CONDITION})
    assert response.status_code == 201
    [shown] = (await client.get(f"{PATH}/offers")).json()
    assert (shown["offerId"], shown["providerId"]) == (response.json(), identities.default.node_id)
    one = f"{PATH}/offers/{response.json()}"
    assert await news(client, one, timeout=0) == []
    assert (await client.delete(one)).status_code == 204
    assert (await client.delete(one)).status_code == 404


async def test_a_poll_ends_with_404_when_its_demand_goes(client: httpx.AsyncClient) -> None:
    one = f"{PATH}/demands/{await demand(client)}"
    statuses: list[int] = []

    async def poll() -> None:
        statuses.append((await client.get(f"{one}/events", params={"timeout": 30})).status_code)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(poll)
        await anyio.wait_all_tasks_blocked()
        assert (await client.delete(one)).status_code == 204
    assert statuses == [404]


async def test_a_match_looks_as_sdks_expect(client: httpx.AsyncClient, provider: Provider) -> None:
    one = f"{PATH}/demands/{await demand(client)}"
    await make_offer(provider)
    [event] = await news(client, one)
    assert set(event) == {"eventType", "eventDate", "proposal"}
    assert event["eventType"] == "ProposalEvent"
    proposal = event["proposal"]
    assert (proposal["state"], proposal["properties"], proposal["constraints"]) == ("Initial", OFFER, CONDITION)
    shown = await client.get(f"{one}/proposals/{proposal['proposalId']}")
    assert shown.json() == proposal


async def test_an_agreement_from_proposal_to_end(client: httpx.AsyncClient, provider: Provider) -> None:
    demand_id, offer_id, draft = await negotiated(client, provider)
    agreement_id = await create(client, draft)
    one = f"{PATH}/agreements/{agreement_id}"
    shown = (await client.get(one)).json()
    assert (shown["state"], shown["demand"]["demandId"], shown["approvedDate"]) == ("Proposal", demand_id, None)
    assert (await client.post(f"{one}/wait", params={"timeout": 0})).status_code == 409
    assert (await client.post(f"{one}/terminate", json={"message": "no"})).status_code == 409

    confirmed = await client.post(f"{one}/confirm", params={"appSessionId": "session"}, headers=EMPTY_JSON)
    assert (confirmed.status_code, confirmed.content) == (204, b"")
    assert (await client.post(f"{one}/wait", params={"timeout": 0.01}, headers=EMPTY_JSON)).status_code == 408
    await asked_for_agreement(provider, offer_id)
    await provider.market.agreements.approve(provider.id, agreement_id)
    assert (await client.post(f"{one}/wait", params={"timeout": 15})).status_code == 204
    shown = (await client.get(one)).json()
    assert (shown["state"], shown["appSessionId"]) == ("Approved", "session")
    assert shown["approvedDate"].endswith("Z")

    end = {"message": "Work cancelled", "golem.requestor.code": "Cancelled"}
    ended = await client.post(f"{one}/terminate", json=end)
    assert (ended.status_code, ended.text) == (200, "null")
    assert (await client.post(f"{one}/terminate", json=end)).status_code == 410
    assert (await client.post(f"{one}/terminate/reason")).json() == end
    assert (await client.post(f"{one}/wait", params={"timeout": 0})).status_code == 410


async def test_events_of_agreements_are_asked_for_by_the_date_of_the_last(
    client: httpx.AsyncClient, provider: Provider
) -> None:
    _, offer_id, draft = await negotiated(client, provider)
    agreement_id = await create(client, draft)
    one, events = f"{PATH}/agreements/{agreement_id}", f"{PATH}/agreementEvents"
    await client.post(f"{one}/confirm", params={"appSessionId": "session"})
    await asked_for_agreement(provider, offer_id)
    await provider.market.agreements.approve(provider.id, agreement_id)
    await provider.market.agreements.terminate(provider.id, agreement_id, {"message": "enough"})

    seen: list[dict[str, Any]] = []
    after = "2020-01-01T00:00:00.000Z"
    while page := (
        await client.get(
            events, params={"timeout": 0, "maxEvents": 1, "afterTimestamp": after, "appSessionId": "session"}
        )
    ).json():
        seen += page
        after = page[-1]["eventDate"]
    assert [event["eventType"] for event in seen] == ["AgreementApprovedEvent", "AgreementTerminatedEvent"]
    assert {event["agreementId"] for event in seen} == {agreement_id}
    assert (seen[1]["terminator"], seen[1]["reason"]) == ("Provider", {"message": "enough"})
    assert (await client.get(events, params={"timeout": 0, "appSessionId": "other"})).json() == []


async def test_the_list_of_agreements_can_be_narrowed(client: httpx.AsyncClient, provider: Provider) -> None:
    _, _, draft = await negotiated(client, provider)
    agreement_id = await create(client, draft)
    one = f"{PATH}/agreements"
    [entry] = (await client.get(one)).json()
    assert (entry["id"], entry["role"], entry["state"]) == (agreement_id, "Requestor", "Proposal")
    for query, count in (
        ({"state": "Proposal"}, 1),
        ({"state": "Approved"}, 0),
        ({"appSessionId": "session"}, 0),
        ({"afterDate": entry["timestamp"]}, 0),
        ({"beforeDate": entry["timestamp"]}, 0),
        ({"afterDate": "2020-01-01T00:00:00Z", "beforeDate": "2100-01-01T00:00:00+02:00"}, 1),
    ):
        assert len((await client.get(one, params=query)).json()) == count
    for wrong in ({"state": "Nonsense"}, {"afterDate": "yesterday"}):
        assert (await client.get(one, params=wrong)).status_code == 400


@pytest.mark.parametrize("body", [None, b"", b'{"message": "no"}'])
async def test_a_reason_may_be_missing(client: httpx.AsyncClient, provider: Provider, body: bytes | None) -> None:
    demand_id, _, draft = await negotiated(client, provider)
    agreement_id = await create(client, draft)
    one = f"{PATH}/agreements/{agreement_id}"
    cancelled = await client.post(f"{one}/cancel", content=body, headers=EMPTY_JSON)
    assert cancelled.status_code == 204
    assert (await client.get(one)).json()["state"] == "Cancelled"
    rejected = await client.post(
        f"{PATH}/demands/{demand_id}/proposals/{draft}/reject", content=body, headers=EMPTY_JSON
    )
    assert rejected.status_code == 204


async def test_the_providers_side(client: httpx.AsyncClient, provider: Provider) -> None:
    """The client offers, and the other daemon is the requestor."""
    offered = await client.post(f"{PATH}/offers", json={"properties": OFFER, "constraints": CONDITION})
    one = f"{PATH}/offers/{offered.json()}"
    market, requestor = provider.market, provider.id
    demand_id = await market.demands.create(requestor, DEMAND, WISH)

    async def next_proposal() -> str:
        [event] = await market.demands.events(requestor, demand_id, 20)
        assert isinstance(event, ProposalEvent)
        return event.proposal.proposal_id

    await market.demands.counter(requestor, demand_id, await next_proposal(), DEMAND, WISH)
    [wish] = await news(client, one)
    answer = await client.post(
        f"{one}/proposals/{wish['proposal']['proposalId']}", json={"properties": OFFER, "constraints": CONDITION}
    )
    assert answer.status_code == 200

    valid_to = moments.now() + timedelta(hours=1)
    agreement_id = await market.agreements.create(requestor, await next_proposal(), valid_to)
    await market.agreements.confirm(requestor, agreement_id)
    [event] = await news(client, one)
    assert (event["eventType"], event["agreement"]["agreementId"]) == ("AgreementEvent", agreement_id)
    assert event["agreement"]["state"] == "Pending"
    agreement = f"{PATH}/agreements/{agreement_id}"
    approved = await client.post(f"{agreement}/approve", params={"timeout": 20, "appSessionId": "s"})
    assert approved.status_code == 204
    await market.agreements.wait(requestor, agreement_id, 0)
    assert (await client.post(f"{agreement}/reject", json={"message": "no"})).status_code == 409
    assert (await client.post(f"{agreement}/terminate")).status_code == 200


async def test_others_see_nothing(
    client: httpx.AsyncClient, provider: Provider, app_keys: AppKeys, identities: Identities
) -> None:
    demand_id, _, draft = await negotiated(client, provider)
    agreement_id = await create(client, draft)
    scan_id = (await client.post(f"{PATH}/scan", json={"type": "offer"})).json()
    other = await anyio.to_thread.run_sync(identities.create, "other")
    _, secret = await app_keys.create("other", other.node_id)
    client.headers["Authorization"] = f"Bearer {secret}"
    for method, path in (
        ("GET", f"demands/{demand_id}/events"),
        ("DELETE", f"demands/{demand_id}"),
        ("GET", f"demands/{demand_id}/proposals/{draft}"),
        ("POST", f"demands/{demand_id}/proposals/{draft}/reject"),
        ("GET", f"agreements/{agreement_id}"),
        ("POST", f"agreements/{agreement_id}/confirm"),
        ("POST", f"agreements/{agreement_id}/terminate"),
        ("GET", f"scan/{scan_id}/events"),
        ("DELETE", f"scan/{scan_id}"),
    ):
        assert (await client.request(method, f"{PATH}/{path}")).status_code == 403, path
    for path in ("demands", "offers", "agreements", "agreementEvents?timeout=0"):
        assert (await client.get(f"{PATH}/{path}")).json() == []


@pytest.mark.parametrize(
    ("path", "body", "complaint"),
    [
        ("demands", {"properties": {}, "constraints": "(&(a=1)"}, "line 1, column 8"),
        ("demands", {"properties": {}, "constraints": None}, "constraints"),
        ("demands", {"properties": [], "constraints": "()"}, "properties"),
        ("demands", {"constraints": "()"}, "properties"),
        ("demands", "text", ""),
        ("offers", {"properties": {"a": {"b": 1}, "a.b": 2}, "constraints": "()"}, "given twice"),
        ("agreements", {"proposalId": "R-1"}, "validTo"),
        ("agreements", {"proposalId": "R-1", "validTo": "tomorrow"}, "validTo"),
        ("agreements", {"proposalId": "R-1", "validTo": "2020-01-01T00:00:00Z"}, "over already"),
        ("scan", {"type": "demand"}, "type"),
        ("scan", {"type": "offer", "constraints": "("}, "column"),
        ("scan", {"type": "offer", "timeout": -1}, "timeout"),
    ],
)
async def test_malformed_bodies(client: httpx.AsyncClient, path: str, body: object, complaint: str) -> None:
    response = await client.post(f"{PATH}/{path}", json=body)
    assert response.status_code == 400
    assert set(response.json()) == {"message"}
    assert complaint in response.json()["message"]
    assert (await client.get(f"{PATH}/demands")).json() == []


@pytest.mark.parametrize("query", ["timeout=x", "timeout=-1", "timeout=nan", "maxEvents=0", "maxEvents=101"])
async def test_malformed_queries(client: httpx.AsyncClient, query: str) -> None:
    one = f"{PATH}/demands/{await demand(client)}"
    for path in (f"{one}/events", f"{PATH}/agreementEvents"):
        response = await client.get(f"{path}?{query}")
        assert response.status_code == 400
        assert set(response.json()) == {"message"}


async def test_unknown_ones(client: httpx.AsyncClient) -> None:
    one = f"{PATH}/demands/{await demand(client)}"
    for method, path in (
        ("GET", f"{PATH}/demands/x/events"),
        ("GET", f"{one}/proposals/x"),
        ("POST", f"{one}/proposals/x/reject"),
        ("GET", f"{PATH}/agreements/x"),
        ("POST", f"{PATH}/agreements/x/wait"),
        ("POST", f"{PATH}/agreements/x/approve"),
        ("POST", f"{PATH}/agreements/x/terminate/reason"),
        ("GET", f"{PATH}/scan/x/events"),
    ):
        assert (await client.request(method, path)).status_code == 404, path


async def test_a_scan_as_json_and_as_events(client: httpx.AsyncClient, provider: Provider) -> None:
    await make_offer(provider)
    await make_offer(provider, OFFER | {"golem.inf.mem.gib": 1.0})
    response = await client.post(f"{PATH}/scan", json={"type": "offer", "properties": {}, "constraints": WISH})
    assert (response.status_code, response.headers["content-type"]) == (201, "application/json")
    one = f"{PATH}/scan/{response.json()}"
    assert (await client.get(f"{one}/events", params={"timeout": 0, "peerId": "0x" + "c" * 40})).json() == []
    [shown] = (await client.get(f"{one}/events", params={"timeout": 20})).json()
    assert (shown["providerId"], shown["properties"]) == (provider.id, OFFER)

    second = f"{PATH}/scan/{(await client.post(f'{PATH}/scan', json={'type': 'offer'})).json()}"
    lines: list[str] = []

    async def listen() -> None:
        # This transport hands the answer over when it is complete, which is when the scan ends.
        response = await client.get(f"{second}/events", headers={"Accept": "text/event-stream"})
        assert response.headers["content-type"].startswith("text/event-stream")
        lines.extend(response.text.splitlines())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
        await anyio.wait_all_tasks_blocked()
        assert (await client.delete(second)).status_code == 204
    assert lines.count("event: offer") == 2
    assert (await client.delete(second)).status_code == 404
