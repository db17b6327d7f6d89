"""Puts the routes, the middleware and the error answers together."""

from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, Reference, SecurityScheme
from litestar.types import ASGIApp

from golem_vpn.api import failures
from golem_vpn.api.dependencies import Services, providers
from golem_vpn.api.middleware import Authentication, CrossOrigin
from golem_vpn.api.routes import (
    activity,
    agreements,
    attachments,
    daemon,
    docs,
    files,
    gsb,
    images,
    market,
    metrics,
    net,
    node,
    payment,
    payment_documents,
    provider,
)

MAX_BODY_BYTES = 4 * 1024 * 1024

DESCRIPTION = """\
Drives private networks between Golem nodes. Every request names an application key, in the header \
`Authorization: Bearer KEY` or in the query as `authToken=KEY`; without a valid one the answer is 401. \
Errors are answered as {"message": …}.\
"""


def create_app(services: Services) -> ASGIApp:
    """Makes the application that answers everything but websocket upgrades."""
    apis = (activity, agreements, attachments, daemon, files, gsb, market, node, payment, payment_documents, provider)
    app = Litestar(
        [*net.routers(), *(api.router() for api in apis), *images.routers(), *metrics.handlers, *docs.handlers],
        dependencies=providers(services),
        exception_handlers=failures.HANDLERS,
        openapi_config=_openapi(services.node.version),
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
    )
    return CrossOrigin(Authentication(app, services.app_keys), services.app_keys, services.allow_origins)


def _openapi(version: str) -> OpenAPIConfig:
    schemes: dict[str, SecurityScheme | Reference] = {
        "appKey": SecurityScheme(type="http", scheme="Bearer"),
        "authToken": SecurityScheme(type="apiKey", name="authToken", security_scheme_in="query"),
    }
    return OpenAPIConfig(
        title="golem-vpn",
        version=version,
        description=DESCRIPTION,
        components=Components(security_schemes=schemes),
        security=[{"appKey": []}, {"authToken": []}],
        path="/",
        use_handler_docstrings=True,
        render_plugins=[JsonRenderPlugin()],
    )
