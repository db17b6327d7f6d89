"""Joining and leaving hubs; and for the operator of one, who may be in it."""

from datetime import timedelta
from typing import Annotated

from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK

from golem_vpn.api import prefixes
from golem_vpn.api.dependencies import Hubs
from golem_vpn.api.failures import json_body, raises
from golem_vpn.api.models import Expulsion, HubNodeInfo, HubToLeave, LeftHub, NewTicket, TicketInfo, TicketText
from golem_vpn.net.admission import ticket_name
from golem_vpn.net.hub import TICKET_LIFETIME
from golem_vpn.vpn.networks import parse_node_id

DEFAULT_TICKET_SECONDS = int(TICKET_LIFETIME.total_seconds())
MAX_TICKET_SECONDS = 10 * 365 * 86_400
MAX_USES = 1_000_000

Lifetime = Annotated[int, QueryParameter(ge=1, le=MAX_TICKET_SECONDS, description="Seconds until it expires")]
Uses = Annotated[int | None, QueryParameter(ge=1, le=MAX_USES, description="How many nodes it admits; any by default")]


@post("/ticket", status_code=HTTP_200_OK, responses=raises(400))
async def create_ticket(directory: Hubs, expires: Lifetime = DEFAULT_TICKET_SECONDS, uses: Uses = None) -> NewTicket:
    """Makes a ticket, by which other nodes can join this daemon's hub."""
    ticket, stored = await directory.own_hub().issue_ticket(timedelta(seconds=expires), uses)
    return NewTicket(ticket_name(stored.token_hash), stored.expires, stored.uses, stored.used, str(ticket))


@post("/join", status_code=HTTP_200_OK, guards=[json_body], responses=raises(400, 403, 409, 502))
async def join_hub(directory: Hubs, data: JSONBody[TicketText]) -> None:
    """Joins the hub that a ticket is from."""
    await directory.join(data.ticket)


@post("/leave", status_code=HTTP_200_OK, guards=[json_body], responses=raises(400, 404, 409))
async def leave_hub(directory: Hubs, data: JSONBody[HubToLeave]) -> LeftHub:
    """Leaves a hub, which may be away; networks and known nodes stay."""
    return LeftHub(await directory.leave(None if data.hub is None else parse_node_id(data.hub)))


@get("/hub/nodes", responses=raises(400))
async def list_hub_nodes(directory: Hubs) -> list[HubNodeInfo]:
    """Lists the nodes that this daemon's hub admitted, and those that it expelled."""
    hub = directory.own_hub()
    return [
        HubNodeInfo(
            entry.node_id, entry.name, entry.roles, entry.online, stored.joined, entry.last_seen,
            ticket_name(stored.token_hash) if stored.token_hash else None, stored.expelled,
        )
        for stored in hub.admission.all()
        for entry in [hub.entry(stored.node_id)]
    ]  # fmt: skip


@post("/hub/nodes/{node_id:str}/admit", status_code=HTTP_200_OK, responses=raises(400))
async def admit_node(directory: Hubs, node_id: FromPath[str]) -> None:
    """Makes a node a member of this daemon's hub without a ticket's use, also one that was expelled."""
    await directory.own_hub().admit(parse_node_id(node_id))


@post("/hub/nodes/{node_id:str}/expel", status_code=HTTP_200_OK, responses=raises(400, 409))
async def expel_node(directory: Hubs, node_id: FromPath[str]) -> Expulsion:
    """Sends a node away from this daemon's hub, and has all members shut it out; its ticket is void."""
    return Expulsion(await directory.own_hub().expel(parse_node_id(node_id)))


@get("/hub/tickets", responses=raises(400))
async def list_tickets(directory: Hubs) -> list[TicketInfo]:
    """Lists the tickets of this daemon's hub that have not expired."""
    return [
        TicketInfo(ticket_name(stored.token_hash), stored.expires, stored.uses, stored.used)
        for stored in await directory.own_hub().admission.tickets()
    ]


@delete("/hub/tickets/{ticket_id:str}", status_code=HTTP_200_OK, responses=raises(400, 404))
async def revoke_ticket(directory: Hubs, ticket_id: FromPath[str]) -> None:
    """Makes a ticket void; whom it admitted stays."""
    await directory.own_hub().admission.revoke(ticket_id)


def router() -> Router:
    """Gives the routes."""
    handlers = [
        create_ticket, join_hub, leave_hub, list_hub_nodes, admit_node, expel_node, list_tickets, revoke_ticket,
    ]  # fmt: skip
    return Router(prefixes.DAEMON, route_handlers=handlers, tags=["Hub"])
