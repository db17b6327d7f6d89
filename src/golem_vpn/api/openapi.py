"""What the daemon tells of its API: the OpenAPI document, with links from what makes an object to what takes it."""

from typing import Any, NamedTuple

from litestar import Request
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, Reference, SecurityScheme

from golem_vpn.api import prefixes

DESCRIPTION = """\
Drives private networks between Golem nodes. Every request names an application key, in the header \
`Authorization: Bearer KEY` or in the query as `authToken=KEY`; without a valid one the answer is 401. \
Errors are answered as {"message": …}.\
"""


class Source(NamedTuple):
    """A route whose POST answers with the id of a new object; the routes below it take that id."""

    path: str
    parameter: str
    id_in_answer: str


SOURCES = (
    *(Source(f"{prefix}/net", "network_id", "$response.body#/id") for prefix in prefixes.NET),
    Source(f"{prefixes.ACTIVITY}/activity", "activity_id", "$response.body#/activityId"),
    Source(f"{prefixes.ACTIVITY}/activity/{{activity_id}}/exec", "batch_id", "$response.body"),
    Source(f"{prefixes.DAEMON}/agreements", "agreement_id", "$response.body#/agreementId"),
    *(Source(f"{prefixes.MARKET}/{side}", "subscription_id", "$response.body") for side in ("demands", "offers")),
    Source(f"{prefixes.MARKET}/agreements", "agreement_id", "$response.body"),
    Source(f"{prefixes.MARKET}/scan", "scan_id", "$response.body"),
    Source(f"{prefixes.PAYMENT}/allocations", "allocation_id", "$response.body#/allocationId"),
)


def configuration(version: str) -> OpenAPIConfig:
    """Gives what the framework needs to know to write the document."""
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
        render_plugins=[LinkedDocument()],
    )


class LinkedDocument(JsonRenderPlugin):
    """The document as JSON, with links."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Writes the document."""
        for source in SOURCES:
            _link(openapi_schema["paths"], source)
        return super().render(request, openapi_schema)


def _link(paths: dict[str, Any], source: Source) -> None:
    below = f"{source.path}/{{{source.parameter}}}"
    links = {
        operation["operationId"]: {
            "operationId": operation["operationId"],
            "parameters": {name: f"$request.path.{name}" for name in _names(source.path)}
            | {source.parameter: source.id_in_answer},
        }
        for path, item in paths.items()
        if path == below or path.startswith(f"{below}/")
        for operation in item.values()
    }
    answers = paths[source.path]["post"]["responses"]
    made = next(answer for status, answer in answers.items() if status.startswith("2"))
    made["links"] = links


def _names(path: str) -> list[str]:
    return [segment[1:-1] for segment in path.split("/") if segment.startswith("{")]
