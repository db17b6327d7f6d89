"""Direct hire: agreements with providers, without any market."""

from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from golem_vpn.api import prefixes
from golem_vpn.api.dependencies import Agreements, Caller
from golem_vpn.api.failures import json_body, raises
from golem_vpn.api.models import NewAgreement
from golem_vpn.market.documents import Agreement, agreement_document
from golem_vpn.store.agreements import Role


@get(responses=raises())
async def list_agreements(caller: Caller, agreements: Agreements) -> list[Agreement]:
    """Lists the caller's agreements, oldest first."""
    return [agreement_document(agreement) for agreement in await agreements.list(caller.identity, Role.REQUESTOR)]


@post(status_code=HTTP_200_OK, guards=[json_body], responses=raises(400, 403, 409, 502))
async def hire(caller: Caller, agreements: Agreements, data: JSONBody[NewAgreement]) -> Agreement:
    """Gets an agreement with a provider."""
    return agreement_document(await agreements.hire(caller.identity, data.provider_id, data.demand_properties))


@get("/{agreement_id:str}", responses=raises(403, 404))
async def show_agreement(caller: Caller, agreements: Agreements, agreement_id: FromPath[str]) -> Agreement:
    """Shows an agreement."""
    return agreement_document(await agreements.show(caller.identity, agreement_id, Role.REQUESTOR))


@delete("/{agreement_id:str}", status_code=HTTP_200_OK, responses=raises(403, 404, 410))
async def terminate_agreement(caller: Caller, agreements: Agreements, agreement_id: FromPath[str]) -> None:
    """Ends an agreement, and the activities under it."""
    await agreements.terminate(caller.identity, agreement_id)


def router() -> Router:
    """Gives the routes."""
    handlers = [list_agreements, hire, show_agreement, terminate_agreement]
    return Router(f"{prefixes.DAEMON}/agreements", route_handlers=handlers, tags=["Agreements"])
