"""The market of this node, for its requestors and its providers; the REST API and the provider's agent use it alike."""

import anyio

from golem_vpn.market.agreement_book import AgreementBook
from golem_vpn.market.agreements import AgreementService
from golem_vpn.market.demands import DemandService
from golem_vpn.market.incoming import Incoming
from golem_vpn.market.negotiation import Negotiation
from golem_vpn.market.news import NewsReader
from golem_vpn.market.offers import OfferService
from golem_vpn.market.ports import Board
from golem_vpn.market.proposals import Proposals
from golem_vpn.market.scan import Scans
from golem_vpn.market.subscriptions import Subscriptions
from golem_vpn.net.control import Control
from golem_vpn.store.database import Database
from golem_vpn.store.market import MarketRepository
from golem_vpn.store.roles import Role

IDLE_CHECK_SECONDS = 60.0


class MarketService:
    """Demands, offers and agreements, and the offers of others."""

    def __init__(self, control: Control, board: Board, database: Database) -> None:
        repository = MarketRepository(database)
        self._book = AgreementBook(database)
        self._subscriptions = {role: Subscriptions(role, repository) for role in Role}
        self._negotiation = Negotiation(control, repository, self._subscriptions)
        proposals = Proposals(repository)
        resolve = NewsReader(repository, self._book).read
        demands, offers = self._subscriptions[Role.REQUESTOR], self._subscriptions[Role.PROVIDER]
        self.demands = DemandService(repository, demands, self._negotiation, resolve, board)
        self.agreements = AgreementService(control, self._book, proposals)
        self.offers = OfferService(offers, self._negotiation, self.agreements, resolve, board)
        self.scans = Scans(board)
        Incoming(control, repository, self._book, proposals, self._subscriptions)

    async def open(self) -> None:
        """Recalls what there was when the daemon ended."""
        await self._book.open()
        for subscriptions in self._subscriptions.values():
            await subscriptions.open()
        await self.demands.open()
        await self.offers.open()

    async def run(self) -> None:
        """Tells others what they could not be told before, and forgets what is over, for ever."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._negotiation.run)
            tasks.start_soon(self.agreements.run)
            while True:
                await self.demands.remove_idle()
                await self.offers.remove_idle()
                self.scans.remove_idle()
                await anyio.sleep(IDLE_CHECK_SECONDS)
