"""The API reference: a page of our own, since the usual ones load their code from somewhere else."""

from importlib.resources import files

from litestar import MediaType, Response, get

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"


class Asset(Response[bytes]):
    """A file that is read when the daemon starts."""

    def __init__(self, name: str, media_type: str) -> None:
        content = (files("golem_vpn.api") / "assets" / name).read_bytes()
        super().__init__(content, media_type=media_type, headers={"Content-Security-Policy": POLICY})


PAGE = Asset("reference.html", MediaType.HTML)
SCRIPT = Asset("reference.js", "text/javascript")
STYLE = Asset("reference.css", MediaType.CSS)


@get("/docs", include_in_schema=False)
async def show_reference() -> Response[bytes]:
    """Gives the page."""
    return PAGE


@get("/docs/reference.js", include_in_schema=False)
async def show_script() -> Response[bytes]:
    """Gives the code that renders the OpenAPI document."""
    return SCRIPT


@get("/docs/reference.css", include_in_schema=False)
async def show_style() -> Response[bytes]:
    """Gives the page's looks."""
    return STYLE


handlers = [show_reference, show_script, show_style]
