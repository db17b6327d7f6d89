"""Demands and offers: the same routes for requestors and providers."""

from abc import ABC, abstractmethod
from typing import Any

from litestar import Controller, MediaType, Request, delete, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED, HTTP_204_NO_CONTENT

from golem_vpn.api.clients import while_connected
from golem_vpn.api.dependencies import Caller, Market
from golem_vpn.api.failures import json_body, raises
from golem_vpn.api.json_string import JsonString
from golem_vpn.api.market_models import Reason, Terms, events_of
from golem_vpn.api.polls import MaxEvents, Timeout, seconds
from golem_vpn.market.demands import DemandService
from golem_vpn.market.documents import Demand, MarketEvent, Offer, Proposal
from golem_vpn.market.offers import OfferService
from golem_vpn.market.service import MarketService


class Side(Controller, ABC):
    """What requestors do with demands and providers with offers."""

    @staticmethod
    @abstractmethod
    def of(market: MarketService) -> DemandService | OfferService:
        """Gives the service of this side."""

    @post(
        status_code=HTTP_201_CREATED,
        guards=[json_body],
        media_type=MediaType.JSON,
        response_class=JsonString,
        responses=raises(400, 503),
    )
    async def create(self, caller: Caller, market: Market, data: JSONBody[Terms]) -> str:
        """Puts it on the market, and gives its id."""
        return await self.of(market).create(caller.identity, data.properties, data.constraints)

    @delete("/{subscription_id:str}", status_code=HTTP_204_NO_CONTENT, responses=raises(403, 404))
    async def remove(self, caller: Caller, market: Market, subscription_id: FromPath[str]) -> None:
        """Takes it off the market; whoever polls its events gets 404 at once."""
        await self.of(market).remove(caller.identity, subscription_id)

    @get("/{subscription_id:str}/events", responses=raises(400, 403, 404))
    async def collect(
        self, caller: Caller, market: Market, request: Request[Any, Any, Any], subscription_id: FromPath[str],
        timeout: Timeout = None, max_events: MaxEvents = None,
    ) -> list[MarketEvent]:  # fmt: skip
        """Gives what is new, once there is something or the time (seconds) is over.

        Every event is given once. A client asks again only when it has got the answer: that confirms what was in it.
        """
        wait, limit = seconds(timeout), events_of(max_events)
        service = self.of(market)
        return await while_connected(request, lambda: service.events(caller.identity, subscription_id, wait, limit))

    @post(
        "/{subscription_id:str}/proposals/{proposal_id:str}",
        status_code=HTTP_200_OK,
        guards=[json_body],
        media_type=MediaType.JSON,
        response_class=JsonString,
        responses=raises(400, 403, 404, 409, 410),
    )
    async def counter(
        self, caller: Caller, market: Market, subscription_id: FromPath[str], proposal_id: FromPath[str],
        data: JSONBody[Terms],
    ) -> str:  # fmt: skip
        """Answers a proposal of the other side's by another one, and gives its id.

        Answering the same one again starts a new round.
        """
        return await self.of(market).counter(
            caller.identity, subscription_id, proposal_id, data.properties, data.constraints
        )

    @get("/{subscription_id:str}/proposals/{proposal_id:str}", responses=raises(403, 404))
    async def show(
        self, caller: Caller, market: Market, subscription_id: FromPath[str], proposal_id: FromPath[str]
    ) -> Proposal:
        """Shows a proposal, the caller's or the other side's."""
        return await self.of(market).show(caller.identity, subscription_id, proposal_id)

    @post(
        "/{subscription_id:str}/proposals/{proposal_id:str}/reject",
        status_code=HTTP_204_NO_CONTENT,
        responses=raises(400, 403, 404, 409, 410),
    )
    async def reject(
        self, caller: Caller, market: Market, subscription_id: FromPath[str], proposal_id: FromPath[str],
        data: JSONBody[Reason | None] = None,
    ) -> None:  # fmt: skip
        """Says no to a proposal of the other side's."""
        await self.of(market).reject(caller.identity, subscription_id, proposal_id, data)


class Demands(Side):
    """What requestors look for."""

    path = "/demands"

    @staticmethod
    def of(market: MarketService) -> DemandService:
        """Gives the service of requestors."""
        return market.demands

    @get(responses=raises())
    async def show_all(self, caller: Caller, market: Market) -> list[Demand]:
        """Lists the caller's demands, oldest first."""
        return market.demands.list(caller.identity)


class Offers(Side):
    """What providers have to give."""

    path = "/offers"

    @staticmethod
    def of(market: MarketService) -> OfferService:
        """Gives the service of providers."""
        return market.offers

    @get(responses=raises())
    async def show_all(self, caller: Caller, market: Market) -> list[Offer]:
        """Lists the caller's offers, oldest first."""
        return market.offers.list(caller.identity)
