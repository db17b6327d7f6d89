"""Files that applications hold themselves, such as what golem-js uploads: where they are to be had, and until when."""

import msgspec
from litestar import Router, delete, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from golem_vpn.api import prefixes
from golem_vpn.api.dependencies import Caller, FileBus
from golem_vpn.api.failures import json_body, raises


class Listen(msgspec.Struct, frozen=True):
    """An address, and what is answered there."""

    on: str
    """`/public/gftp/NAME`, whose URL for others is `gftp://IDENTITY/NAME`."""
    components: list[str]
    """`GetMetadata` and `GetChunk` of a file to be fetched, `UploadChunk` and `UploadFinished` of one to come."""


class NewServices(msgspec.Struct, frozen=True):
    """Services to make."""

    listen: Listen


class MadeServices(msgspec.Struct, frozen=True, rename="camel"):
    """Services that were made."""

    services_id: str


@post("/services", guards=[json_body], responses=raises(400, 409, 503))
async def bind_services(caller: Caller, bus: FileBus, data: JSONBody[NewServices]) -> MadeServices:
    """Puts a file of the caller's behind a URL; it is asked for on the websocket `services/ID`.

    The websocket's subprotocol is `gsb+flexbuffers`. Requests are maps of `id`, `component` and `payload`, answers of
    `id` and `payload`.
    """
    return MadeServices(bus.bind(caller.identity, data.listen.on, data.listen.components))


@delete("/services/{services_id:str}", status_code=HTTP_200_OK, responses=raises(403, 404))
async def unbind_services(caller: Caller, bus: FileBus, services_id: FromPath[str]) -> None:
    """Takes the URL back and ends the websocket."""
    bus.unbind(caller.identity, services_id)


def router() -> Router:
    """Gives the routes."""
    return Router(prefixes.GSB, route_handlers=[bind_services, unbind_services], tags=["GSB API"])
