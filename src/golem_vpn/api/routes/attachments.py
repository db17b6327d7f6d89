"""This machine itself as a member of networks."""

from typing import Any

from litestar import Request, Router, delete, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from golem_vpn.api import polls, prefixes
from golem_vpn.api.clients import while_connected
from golem_vpn.api.dependencies import OwnAttachments
from golem_vpn.api.failures import json_body, raises
from golem_vpn.api.models import NewAttachment
from golem_vpn.vpn.attachments import Attachment


@get(responses=raises())
async def list_attachments(attachments: OwnAttachments) -> tuple[Attachment, ...]:
    """Lists the interfaces of this machine in networks."""
    return attachments.list()


@post(status_code=HTTP_200_OK, guards=[json_body], responses=raises(400, 404, 409, 503))
async def attach(
    request: Request[Any, Any, Any],
    attachments: OwnAttachments,
    data: JSONBody[NewAttachment],
    timeout: polls.Timeout = None,
) -> Attachment:
    """Makes an interface in a network that this node is in; the daemon needs CAP_NET_ADMIN for it.

    Who was only just added may not know it yet: `timeout` is how many seconds to wait for that, 0 if left out.
    """
    wait = polls.seconds(timeout, 0.0)
    return await while_connected(request, lambda: attachments.attach_when_known(data.network_id, data.interface, wait))


@delete("/{network_id:str}", status_code=HTTP_200_OK, responses=raises(404))
async def detach(attachments: OwnAttachments, network_id: FromPath[str]) -> None:
    """Removes the interface of a network."""
    attachments.detach(network_id)


def router() -> Router:
    """Gives the routes."""
    return Router(
        f"{prefixes.DAEMON}/attachments", route_handlers=[list_attachments, attach, detach], tags=["Attachments"]
    )
