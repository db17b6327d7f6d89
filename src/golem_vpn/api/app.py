"""Puts the routes, the middleware and the error answers together."""

from collections.abc import Callable

from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp

from golem_vpn.api import failures, openapi
from golem_vpn.api.dependencies import Services, providers
from golem_vpn.api.middleware import AllowedMethods, Authentication, CrossOrigin
from golem_vpn.api.routes import (
    activity,
    agreements,
    attachments,
    daemon,
    docs,
    files,
    gsb,
    hub,
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


def create_app(services: Services) -> ASGIApp:
    """Makes the application that answers everything but websocket upgrades."""
    return guard(make_routes(lambda: services, services.node.version), services)


def guard(routes: Litestar, services: Services) -> ASGIApp:
    """Puts before the routes what each request has to pass."""
    authenticated = Authentication(AllowedMethods(routes, _methods(routes)), services.app_keys)
    return CrossOrigin(authenticated, services.app_keys, services.allow_origins)


def make_routes(services: Callable[[], Services], version: str) -> Litestar:
    """Puts all routes together, which takes a good part of a second; they call the services of the moment."""
    apis = (
        activity,
        agreements,
        attachments,
        daemon,
        files,
        gsb,
        hub,
        market,
        node,
        payment,
        payment_documents,
        provider,
    )
    return Litestar(
        [*net.routers(), *(api.router() for api in apis), *images.routers(), *metrics.handlers, *docs.handlers],
        dependencies=providers(services),
        exception_handlers=failures.HANDLERS,
        openapi_config=openapi.configuration(version),
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
    )


def _methods(app: Litestar) -> dict[str, set[str]]:
    """Gives the methods of each path."""
    methods: dict[str, set[str]] = {}
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            methods.setdefault(route.path_format, set()).update(route.methods)
    return methods
