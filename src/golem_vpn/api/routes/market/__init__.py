"""The Market API, for requestors and for providers."""

from litestar import Router

from golem_vpn.api import prefixes
from golem_vpn.api.routes.market import agreements, scan
from golem_vpn.api.routes.market.sides import Demands, Offers


def router() -> Router:
    """Gives the routes."""
    return Router(
        prefixes.MARKET,
        route_handlers=[Demands, Offers, *agreements.handlers, *scan.handlers],
        tags=["Market API"],
    )
