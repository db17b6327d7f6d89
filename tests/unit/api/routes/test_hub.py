import httpx
import pytest

from golem_vpn.api.dependencies import Services
from tests.unit.api.kit import PROVIDER

pytestmark = pytest.mark.anyio

DAEMON = "/golem-vpn/v1"
NODES = f"{DAEMON}/hub/nodes"
TICKETS = f"{DAEMON}/hub/tickets"


async def test_tickets_joining_and_leaving(client: httpx.AsyncClient, services: Services) -> None:
    ticket = (await client.post(f"{DAEMON}/ticket")).json()
    assert (ticket["uses"], ticket["used"]) == (None, 0)
    response = await client.post(f"{DAEMON}/join", json={"ticket": ticket["ticket"]})
    assert (response.status_code, response.text) == (200, "null")
    assert (await client.post(f"{DAEMON}/join", json={"ticket": "rubbish"})).status_code == 400
    assert (await client.post(f"{DAEMON}/leave", json={})).json() == {"hub": services.node.node_id}
    assert (await client.post(f"{DAEMON}/leave", json={})).status_code == 404
    assert (await client.post(f"{DAEMON}/leave", json={"hub": "me"})).status_code == 400


async def test_tickets_are_listed_without_their_secret_and_revoked(client: httpx.AsyncClient) -> None:
    made = (await client.post(f"{DAEMON}/ticket?expires=7200&uses=3")).json()
    secret = made.pop("ticket")
    assert secret.startswith("golemvpn1")
    assert made["uses"] == 3
    assert (await client.get(TICKETS)).json() == [made]
    assert (await client.delete(f"{TICKETS}/{made['ticketId']}")).text == "null"
    assert (await client.delete(f"{TICKETS}/{made['ticketId']}")).status_code == 404
    assert (await client.get(TICKETS)).json() == []


@pytest.mark.parametrize("query", ["expires=0", "expires=-1", "expires=999999999999", "uses=0", "uses=many"])
async def test_a_ticket_within_reason(query: str, client: httpx.AsyncClient) -> None:
    assert (await client.post(f"{DAEMON}/ticket?{query}")).status_code == 400
    assert (await client.get(TICKETS)).json() == []


async def test_admitting_and_expelling(client: httpx.AsyncClient, services: Services) -> None:
    assert (await client.get(NODES)).json() == []
    assert (await client.post(f"{NODES}/{PROVIDER.upper().replace('0X', '0x')}/admit")).text == "null"
    (admitted,) = (await client.get(NODES)).json()
    joined = admitted.pop("joined")
    nothing = {"name": "", "roles": [], "online": False, "lastSeen": None, "ticketId": None}
    assert admitted == {"nodeId": PROVIDER, "expelled": None, **nothing}
    assert (await client.post(f"{NODES}/{PROVIDER}/expel")).json() == {"revokedTicketId": None}
    (expelled,) = (await client.get(NODES)).json()
    assert expelled["expelled"] >= joined
    assert (await client.post(f"{NODES}/{services.node.node_id}/expel")).status_code == 400
    assert (await client.post(f"{NODES}/nobody/expel")).status_code == 400
