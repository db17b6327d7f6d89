"""This node as a provider: what it offers, and whether it does."""

import msgspec
from litestar import Router, get, post
from litestar.status_codes import HTTP_200_OK

from golem_vpn.api import prefixes
from golem_vpn.api.dependencies import OwnProvider
from golem_vpn.api.failures import raises
from golem_vpn.api.models import PresetInfo, ProviderStatus
from golem_vpn.api.ports import Provider
from golem_vpn.errors import Conflict


@get("/status", responses=raises(409))
async def show_provider_status(provider: OwnProvider) -> ProviderStatus:
    """Tells which offers are published, how many agreements there are, and whether the provider pauses."""
    return msgspec.convert(await _required(provider).status(), ProviderStatus, from_attributes=True)


@get("/presets", responses=raises(409))
async def list_presets(provider: OwnProvider) -> list[PresetInfo]:
    """Lists the kinds of offers that the owner has thought of, with prices in GLM."""
    return msgspec.convert(_required(provider).presets(), list[PresetInfo], from_attributes=True)


@post("/pause", status_code=HTTP_200_OK, responses=raises(409))
async def pause_provider(provider: OwnProvider) -> None:
    """Withdraws the offers; agreements in force go on. It outlives the daemon."""
    await _required(provider).pause()


@post("/resume", status_code=HTTP_200_OK, responses=raises(409))
async def resume_provider(provider: OwnProvider) -> None:
    """Publishes offers again."""
    await _required(provider).resume()


def router() -> Router:
    """Gives the routes."""
    handlers = [show_provider_status, list_presets, pause_provider, resume_provider]
    return Router(f"{prefixes.DAEMON}/provider", route_handlers=handlers, tags=["Provider"])


def _required(provider: Provider | None) -> Provider:
    if provider is None:
        raise Conflict("this node is no provider; its daemon was started without --provider")
    return provider
