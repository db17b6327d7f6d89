"""A negotiation between daemons that are killed at every step: both go on where they were, and nothing gets lost."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest

from golem_vpn import moments
from golem_vpn.cli.session import app_key, daemon_file
from tests.net.nodes import TestNode, requestor_and_providers

pytestmark = [pytest.mark.anyio, pytest.mark.network, pytest.mark.timeout(600)]

PROPERTIES = {"test.kind": "by hand", "test.number": 1.5}
DEMAND = {"properties": PROPERTIES, "constraints": "(test.kind=by hand)"}


async def ask(node: TestNode, method: str, path: str, body: object = None, **query: Any) -> Any:
    """Asks a daemon's Market API, and gives what it answers."""
    headers = {"Authorization": f"Bearer {app_key(node.data_dir)}"}
    async with httpx.AsyncClient(base_url=daemon_file(node.data_dir).api, headers=headers, timeout=60) as client:
        response = await client.request(method, f"/market-api/v1/{path}", json=body, params=query)
        assert response.is_success, response.text
        return response.json() if response.content else None


async def newest_event(node: TestNode, path: str) -> Any:
    """Waits for news, and gives the last; what was handed out before and not confirmed comes again before it."""
    with anyio.fail_after(60):
        while True:
            events = await ask(node, "GET", f"{path}/events", timeout=20)
            if events:
                return events[-1]


async def restart(*nodes: TestNode) -> None:
    for node in nodes:
        await anyio.to_thread.run_sync(node.kill)
    for node in nodes:
        await anyio.to_thread.run_sync(node.start)


async def test_a_negotiation_over_killed_daemons(tmp_path: Path) -> None:
    async with requestor_and_providers(tmp_path, providers=1) as (alice, bob):
        demand = f"demands/{await ask(alice, 'POST', 'demands', DEMAND)}"
        offer = f"offers/{await ask(bob, 'POST', 'offers', DEMAND)}"
        match = await newest_event(alice, demand)
        await restart(alice)
        assert await newest_event(alice, demand) == match

        own_id = await ask(alice, "POST", f"{demand}/proposals/{match['proposal']['proposalId']}", DEMAND)
        await restart(alice, bob)
        wish = await newest_event(bob, offer)
        await ask(bob, "POST", f"{offer}/proposals/{wish['proposal']['proposalId']}", DEMAND)
        await restart(alice)
        draft = await newest_event(alice, demand)
        assert (draft["proposal"]["state"], draft["proposal"]["prevProposalId"]) == ("Draft", own_id)

        valid_to = moments.to_text(moments.now() + timedelta(hours=1))
        body = {"proposalId": draft["proposal"]["proposalId"], "validTo": valid_to}
        agreement = f"agreements/{await ask(alice, 'POST', 'agreements', body)}"
        await ask(alice, "POST", f"{agreement}/confirm", appSessionId="session")
        await ask(bob, "GET", f"{offer}/events", timeout=0)
        await restart(alice, bob)
        asked = await newest_event(bob, offer)
        assert (asked["eventType"], asked["agreement"]["state"]) == ("AgreementEvent", "Pending")

        await ask(bob, "POST", f"{agreement}/approve", timeout=30)
        await restart(alice, bob)
        await ask(alice, "POST", f"{agreement}/wait", timeout=30)
        await ask(alice, "POST", f"{agreement}/terminate", {"message": "done"})
        await restart(alice, bob)
        for node, session in ((alice, {"appSessionId": "session"}), (bob, {})):
            shown = await ask(node, "GET", agreement)
            assert (shown["state"], shown["reason"]) == ("Terminated", {"message": "done"})
            events = await ask(node, "GET", "agreementEvents", timeout=0, **session)
            assert [event["eventType"] for event in events] == ["AgreementApprovedEvent", "AgreementTerminatedEvent"]
            assert events[0]["eventDate"] < events[1]["eventDate"]
