"""Builds all that a daemon has to do with files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from golem_vpn.files.blobs import Blobs
from golem_vpn.files.bus import Bus
from golem_vpn.files.courier import Courier
from golem_vpn.files.exchange import Exchange
from golem_vpn.files.fetch import Fetcher
from golem_vpn.files.service import FileService
from golem_vpn.net.control import Control
from golem_vpn.store.database import Database
from golem_vpn.store.files import FileRepository


@dataclass(frozen=True)
class NodeFiles:
    """The parts, ready to answer other nodes."""

    exchange: Exchange
    bus: Bus
    service: FileService
    blobs: Blobs
    fetcher: Fetcher

    @classmethod
    async def open(
        cls, control: Control, database: Database, *, hidden: Sequence[Path], allow_local_urls: bool
    ) -> "NodeFiles":
        """Builds the parts and recalls what the database holds."""
        courier = Courier(control)
        exchange = Exchange(control)
        fetcher = Fetcher(control, courier, allow_local_urls=allow_local_urls)
        service = FileService(exchange, fetcher, FileRepository(database), hidden)
        await service.open()
        return cls(exchange, Bus(exchange), service, Blobs(control, courier), fetcher)
