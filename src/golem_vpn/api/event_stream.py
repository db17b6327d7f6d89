"""The events of a batch as server-sent events (`text/event-stream`)."""

from dataclasses import dataclass
from typing import Any, Self

import msgspec
import structlog
from litestar import Request, Response
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.response import Stream
from litestar.status_codes import HTTP_204_NO_CONTENT

from golem_vpn.activity.events import EventReader
from golem_vpn.errors import GolemVpnError, InvalidInput
from golem_vpn.exeunit.events import BatchEvent

EVENT_STREAM = "text/event-stream"
PING_SECONDS = 15.0
PING = b":ping\n\n"

log = structlog.get_logger()


class EventStream:
    """Writes events as they come, and a comment where none come for a while."""

    def __init__(self, reader: EventReader, page: list[BatchEvent]) -> None:
        self._reader = reader
        self._page: list[BatchEvent] | None = page

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        page, self._page = self._page, None
        if page is None:
            page = await self._next_page()
        return b"".join(_write(event, self._reader.batch_id) for event in page) or PING

    async def _next_page(self) -> list[BatchEvent]:
        if self._reader.ended:
            raise StopAsyncIteration
        try:
            return await self._reader.read(PING_SECONDS)
        except GolemVpnError as error:
            # The answer has begun, so its end has to do; a client that comes again hears why.
            log.info("a stream of events ends early", batch_id=self._reader.batch_id, error=error.message)
            raise StopAsyncIteration from None


async def answer(reader: EventReader) -> Response[Any]:
    """Gives a stream of a batch's events; a client that has read them all is told not to come again.

    Raises:
        NotFound: there is no such batch.
        Gone: the activity has ended, and its events are not kept.
    """
    page = await reader.read(0)
    if reader.ended and not page:
        return Response(None, status_code=HTTP_204_NO_CONTENT)
    # As a header, because the framework prefers the route's media type to that of the response.
    return Stream(EventStream(reader, page), headers={"Content-Type": EVENT_STREAM, "Cache-Control": "no-cache"})


def last_event_id(request: Request[Any, Any, Any]) -> int:
    """Reads which event a client that comes again has seen last.

    Raises:
        InvalidInput: it is no id of an event.
    """
    text = request.headers.get("last-event-id", "0")
    # More digits than any count reaches would be slow to read, and too long for a message.
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise InvalidInput("Last-Event-ID: expected the id of an event of this stream")
    return int(text)


@dataclass
class JsonOrEventStream(Operation):
    """Documents that a route answers either in JSON or with a stream of events."""

    def __post_init__(self) -> None:
        answer = (self.responses or {}).get("200")
        if isinstance(answer, OpenAPIResponse):
            stream = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))
            answer.content = {**(answer.content or {}), EVENT_STREAM: stream}
            nothing = OpenAPIResponse(description="All events of the stream have been read")
            self.responses = {**(self.responses or {}), "204": nothing}


def _write(event: BatchEvent, batch_id: str) -> bytes:
    data = msgspec.json.encode(event.as_json(batch_id))
    return b"id: %d\nevent: runtime\ndata: %s\n\n" % (event.id, data)
