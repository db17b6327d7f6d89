"""The daemon's own API: application keys, identities, known nodes, and what the data plane counts."""

from typing import Any

import anyio
from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from golem_vpn import moments
from golem_vpn.api import prefixes
from golem_vpn.api.dependencies import Hubs, Keys, Node, OwnIdentities
from golem_vpn.api.failures import json_body, raises
from golem_vpn.api.models import (
    AppKeyInfo,
    AppKeyWithSecret,
    IdentityInfo,
    NewAppKey,
    NewIdentity,
    NodeInfo,
    PeerInfo,
)
from golem_vpn.api.peer_view import peer_info
from golem_vpn.net.relay_view import RelayState
from golem_vpn.vpn.networks import parse_node_id


@get("/app-keys", responses=raises())
async def list_app_keys(app_keys: Keys) -> list[AppKeyInfo]:
    """Lists the application keys, without their secrets."""
    return [AppKeyInfo(key.name, key.identity, key.allow_origins, key.created) for key in app_keys.list()]


@post("/app-keys", status_code=HTTP_200_OK, guards=[json_body], responses=raises(400, 409))
async def create_app_key(app_keys: Keys, identities: OwnIdentities, data: JSONBody[NewAppKey]) -> AppKeyWithSecret:
    """Makes an application key and shows it, this once."""
    identity = identities.default.node_id if data.identity is None else parse_node_id(data.identity)
    key, secret = await app_keys.create(data.name, identity, data.allow_origins)
    return AppKeyWithSecret(key.name, key.identity, key.allow_origins, key.created, secret)


@delete("/app-keys/{name:str}", status_code=HTTP_200_OK, responses=raises(404))
async def remove_app_key(app_keys: Keys, name: FromPath[str]) -> None:
    """Makes an application key invalid at once."""
    await app_keys.remove(name)


@get("/identities", responses=raises())
async def list_identities(identities: OwnIdentities) -> list[IdentityInfo]:
    """Lists the identities of this daemon."""
    default = identities.default.node_id
    return [
        IdentityInfo(identity.node_id, identity.name, identity.node_id == default)
        for identity in sorted(identities, key=lambda identity: (identity.node_id != default, identity.name))
    ]


@post("/identities", status_code=HTTP_200_OK, guards=[json_body], responses=raises(400, 409))
async def create_identity(identities: OwnIdentities, data: JSONBody[NewIdentity]) -> IdentityInfo:
    """Makes an identity; application keys can be made for it."""
    identity = await anyio.to_thread.run_sync(identities.create, data.name)
    return IdentityInfo(identity.node_id, identity.name, False)


@get("/nodes", responses=raises(502))
async def list_known_nodes(directory: Hubs) -> list[NodeInfo]:
    """Lists the nodes of the joined hubs."""
    return [
        NodeInfo(entry.node_id, entry.name, tuple(entry.roles), entry.online, entry.last_seen)
        for entry in await directory.nodes()
    ]


@get("/peers", responses=raises())
async def list_peers(node: Node) -> list[PeerInfo]:
    """Lists the nodes that share a network with this one, how packets reach them, and why."""
    connected, now = set(node.connected()), moments.now()
    counted = {peer["nodeId"]: peer for peer in (await node.snapshot())["peers"]}
    return [
        peer_info(peer, node.name_of(peer), peer in connected, counted.get(peer, {}), now)
        for peer in sorted(node.peers())
    ]


@get("/relays", responses=raises())
async def list_relays(node: Node) -> list[RelayState]:
    """Lists the relays of the joined hubs, and how this node does with each."""
    return await node.relays()


@get("/status", responses=raises())
async def show_status(node: Node) -> dict[str, Any]:
    """Tells what the data plane counts, its peers and devices, and the offloads in use."""
    return await node.snapshot()


def router() -> Router:
    """Gives the routes."""
    handlers = [
        list_app_keys, create_app_key, remove_app_key, list_identities, create_identity, list_known_nodes,
        list_peers, list_relays, show_status,
    ]  # fmt: skip
    return Router(prefixes.DAEMON, route_handlers=handlers, tags=["Daemon"])
