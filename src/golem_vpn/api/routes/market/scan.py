"""Scans: looking at the offers there are, without a demand."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
from litestar import MediaType, Request, Response, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Stream
from litestar.status_codes import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from golem_vpn.api.clients import while_connected
from golem_vpn.api.dependencies import Caller, Market
from golem_vpn.api.event_stream import EVENT_STREAM, PING, PING_SECONDS, JsonOrEventStream
from golem_vpn.api.failures import json_body, raises
from golem_vpn.api.json_string import JsonString
from golem_vpn.api.market_models import DEFAULT_SCAN_SECONDS, MAX_EVENTS, NewScan, events_of
from golem_vpn.api.polls import MaxEvents, Timeout, seconds
from golem_vpn.errors import GolemVpnError
from golem_vpn.market.documents import Offer, shown_offer
from golem_vpn.market.scan import Scans


@post(
    "/scan",
    status_code=HTTP_201_CREATED,
    guards=[json_body],
    media_type=MediaType.JSON,
    response_class=JsonString,
    responses=raises(400, 503),
)
async def begin_scan(caller: Caller, market: Market, data: JSONBody[NewScan]) -> str:
    """Begins a scan of the offers of all providers, and gives its id."""
    idle = DEFAULT_SCAN_SECONDS if data.timeout is None else seconds(data.timeout)
    return market.scans.begin(caller.identity, data.constraints or "()", idle)


@get("/scan/{scan_id:str}/events", operation_class=JsonOrEventStream, responses=raises(400, 403, 404))
async def collect_offers(
    caller: Caller,
    market: Market,
    request: Request[Any, Any, Any],
    scan_id: FromPath[str],
    timeout: Timeout = None,
    max_events: MaxEvents = None,
    peer_id: Annotated[str | None, QueryParameter(name="peerId")] = None,
) -> list[Offer]:
    """Gives the next offers that fit, once there are some or the time (seconds) is over.

    With `Accept: text/event-stream` it gives them as they come, in events named `offer`.
    """
    wait, limit = seconds(timeout), events_of(max_events)
    scans, identity = market.scans, caller.identity
    if EVENT_STREAM in request.headers.get("accept", ""):
        return _stream(scans, identity, scan_id, peer_id)  # type: ignore[return-value]
    offers = await while_connected(request, lambda: scans.events(identity, scan_id, wait, limit, peer_id))
    return [shown_offer(offer) for offer in offers]


@delete("/scan/{scan_id:str}", status_code=HTTP_204_NO_CONTENT, responses=raises(403, 404))
async def end_scan(caller: Caller, market: Market, scan_id: FromPath[str]) -> None:
    """Ends a scan."""
    market.scans.end(caller.identity, scan_id)


def _stream(scans: Scans, identity: str, scan_id: str, peer_id: str | None) -> Response[Any]:
    scans.check(identity, scan_id)

    async def events() -> AsyncIterator[bytes]:
        while True:
            try:
                offers = await scans.events(identity, scan_id, PING_SECONDS, MAX_EVENTS, peer_id)
            except GolemVpnError:
                # The scan has ended, and the answer with it.
                return
            yield b"".join(map(_event, map(shown_offer, offers))) or PING

    return Stream(events(), headers={"Content-Type": EVENT_STREAM, "Cache-Control": "no-cache"})


def _event(offer: Offer) -> bytes:
    return b"event: offer\ndata: %s\n\n" % msgspec.json.encode(offer)


handlers = [begin_scan, collect_offers, end_scan]
