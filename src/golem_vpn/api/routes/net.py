"""The Net API: networks, addresses, nodes, and the gates into them; the same below two prefixes."""

from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_101_SWITCHING_PROTOCOLS, HTTP_200_OK

from golem_vpn.api import prefixes
from golem_vpn.api.dependencies import Caller, Networks
from golem_vpn.api.failures import json_body, raises
from golem_vpn.api.models import Address, NewNetwork
from golem_vpn.errors import InvalidInput
from golem_vpn.vpn.model import Connection, NetworkInfo, NetworkNode


@get("/net", responses=raises())
async def list_networks(caller: Caller, networks: Networks) -> tuple[NetworkInfo, ...]:
    """Lists the caller's networks by id."""
    return await networks.list(caller.identity)


@post("/net", status_code=HTTP_200_OK, guards=[json_body], responses=raises(400))
async def create_network(caller: Caller, networks: Networks, data: JSONBody[NewNetwork]) -> NetworkInfo:
    """Makes a network; the caller has its first host's address from the start."""
    return await networks.create(caller.identity, data.ip, data.mask, data.gateway)


@get("/net/{network_id:str}", responses=raises(403, 404))
async def show_network(caller: Caller, networks: Networks, network_id: FromPath[str]) -> NetworkInfo:
    """Shows a network."""
    return await networks.show(caller.identity, network_id)


@delete("/net/{network_id:str}", status_code=HTTP_200_OK, responses=raises(403, 404))
async def remove_network(caller: Caller, networks: Networks, network_id: FromPath[str]) -> None:
    """Removes a network: its members are cut off, its connections end."""
    await networks.remove(caller.identity, network_id)


@get("/net/{network_id:str}/addresses", responses=raises(403, 404))
async def list_addresses(caller: Caller, networks: Networks, network_id: FromPath[str]) -> list[Address]:
    """Lists the caller's own addresses in a network, in CIDR form."""
    return [Address(ip) for ip in await networks.addresses(caller.identity, network_id)]


@post(
    "/net/{network_id:str}/addresses",
    status_code=HTTP_200_OK,
    guards=[json_body],
    responses=raises(400, 403, 404, 409),
)
async def add_address(caller: Caller, networks: Networks, network_id: FromPath[str], data: JSONBody[Address]) -> None:
    """Gives the caller an address; its connections come from the first one so given."""
    await networks.add_address(caller.identity, network_id, data.ip)


@get("/net/{network_id:str}/nodes", responses=raises(403, 404))
async def list_nodes(caller: Caller, networks: Networks, network_id: FromPath[str]) -> tuple[NetworkNode, ...]:
    """Lists the nodes of a network, an entry for each address."""
    return await networks.nodes(caller.identity, network_id)


@post(
    "/net/{network_id:str}/nodes",
    status_code=HTTP_200_OK,
    guards=[json_body],
    responses=raises(400, 403, 404, 409),
)
async def add_node(caller: Caller, networks: Networks, network_id: FromPath[str], data: JSONBody[NetworkNode]) -> None:
    """Gives a node an address; the same once more is accepted and changes nothing."""
    await networks.add_node(caller.identity, network_id, data.id, data.ip)


@delete("/net/{network_id:str}/nodes/{node_id:str}", status_code=HTTP_200_OK, responses=raises(403, 404))
async def remove_node(caller: Caller, networks: Networks, network_id: FromPath[str], node_id: FromPath[str]) -> None:
    """Takes a node with all its addresses out of a network; an unknown node is no error."""
    await networks.remove_node(caller.identity, network_id, node_id)


@get("/net/{network_id:str}/tcp", responses=raises(403, 404))
async def list_connections(caller: Caller, networks: Networks, network_id: FromPath[str]) -> tuple[Connection, ...]:
    """Lists the open connections from this node into a network."""
    return await networks.connections(caller.identity, network_id)


@get(
    "/net/{network_id:str}/tcp/{ip:str}/{port:str}",
    status_code=HTTP_101_SWITCHING_PROTOCOLS,
    responses=raises(400, 403, 404, 409, 426, 503, 504),
)
async def open_gate(
    caller: Caller, networks: Networks, network_id: FromPath[str], ip: FromPath[str], port: FromPath[str]
) -> None:
    """Ties a websocket to a TCP connection to a member: the status of the upgrade is that of the connection.

    The bytes of binary and text messages alike go to the payload; what it sends comes in binary messages. Message
    borders have no meaning. Either end's closing closes the other, once all bytes are delivered.
    """
    await networks.show(caller.identity, network_id)
    raise InvalidInput(f"Request error: NoWebsocketUpgrade: {ip} port {port} is reached by a websocket upgrade only")


@get(
    "/net/{network_id:str}/raw/from/{source:str}/to/{destination:str}",
    status_code=HTTP_101_SWITCHING_PROTOCOLS,
    responses=raises(400, 403, 404, 426, 503),
)
async def open_raw_gate(
    caller: Caller, networks: Networks, network_id: FromPath[str], source: FromPath[str], destination: FromPath[str]
) -> None:
    """Ties a websocket to a way for Ethernet frames from an address of the caller to one of another member, and back.

    Each binary message is one frame of IPv4 or IPv6, both ways; frames between other addresses are dropped. Requests
    of ARP and neighbour discovery for addresses of the network are answered. A second gate between the same addresses
    takes the place of the first, which is closed.
    """
    await networks.show(caller.identity, network_id)
    raise InvalidInput(
        f"Request error: NoWebsocketUpgrade: frames from {source} to {destination} are sent over a websocket only"
    )


def routers() -> list[Router]:
    """Gives the API below each of its prefixes."""
    handlers = [
        list_networks, create_network, show_network, remove_network, list_addresses, add_address, list_nodes, add_node,
        remove_node, list_connections, open_gate, open_raw_gate,
    ]  # fmt: skip
    return [Router(prefix, route_handlers=handlers, tags=["Net API"]) for prefix in prefixes.NET]
