"""This node as Golem's SDKs ask for it: who calls, which version, how it takes part in the net."""

from datetime import UTC, datetime

from litestar import Router, get

from golem_vpn.api.dependencies import Caller as CallerKey
from golem_vpn.api.dependencies import Node
from golem_vpn.api.failures import raises
from golem_vpn.api.models import Caller, NetStatus, Release, VersionInfo

SPOKEN_YAGNA_VERSION = "0.17.6"
"""The release of yagna whose API this is; golem-js refuses what is older than 0.15.2."""
ROLE = "manager"
"""What yagna calls the role of every key that may use the whole API."""


@get("/me", responses=raises())
async def show_caller(caller: CallerKey) -> Caller:
    """Tells whose application key the request came with."""
    return Caller(caller.identity, caller.name, ROLE)


@get("/version/get", security=[{}])
async def show_version(node: Node) -> VersionInfo:
    """Tells which API this daemon speaks; needs no key."""
    started = datetime.fromtimestamp(node.started_at, UTC)
    release = Release(SPOKEN_YAGNA_VERSION, f"golem-vpn {node.version}", True, started, started, None)
    return VersionInfo(release, None)


@get("/net-api/v2/net/status", responses=raises())
async def show_net_status(node: Node) -> NetStatus:
    """Tells how this node takes part in Golem Net."""
    return NetStatus(node.node_id, next(iter(node.addresses()), None), None, len(list(node.connected())))


def router() -> Router:
    """Gives the routes."""
    return Router("/", route_handlers=[show_caller, show_version, show_net_status], tags=["Node"])
