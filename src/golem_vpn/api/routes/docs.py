"""The API reference: a page of our own, since the usual ones load their code from somewhere else."""

from importlib.resources import files

from litestar import MediaType, Response, get

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"


@get("/docs", include_in_schema=False, security=[{}])
async def show_reference() -> Response[bytes]:
    """Gives the page."""
    return _asset("reference.html", MediaType.HTML)


@get("/docs/reference.js", include_in_schema=False)
async def show_script() -> Response[bytes]:
    """Gives the code that renders the OpenAPI document."""
    return _asset("reference.js", "text/javascript")


@get("/docs/reference.css", include_in_schema=False)
async def show_style() -> Response[bytes]:
    """Gives the page's looks."""
    return _asset("reference.css", MediaType.CSS)


def _asset(name: str, media_type: str) -> Response[bytes]:
    content = (files("golem_vpn.api") / "assets" / name).read_bytes()
    return Response(content, media_type=media_type, headers={"Content-Security-Policy": POLICY})


handlers = [show_reference, show_script, show_style]
