"""The records that outlive the daemon: those of nodes that somebody here needs."""

from collections import defaultdict

import anyio
import msgspec
import structlog

from golem_vpn.errors import InvalidInput
from golem_vpn.net.book import RecordBook
from golem_vpn.net.codec import Malformed, Reader
from golem_vpn.net.record import KnownRecord, NodeRecord, SignedRecord
from golem_vpn.store.node_records import NodeRecordRepository, StoredRecord

_log = structlog.get_logger(__name__)


class KeptRecords:
    """Stores the records of needed nodes, and drops those that nobody needs any more."""

    def __init__(self, book: RecordBook, repository: NodeRecordRepository) -> None:
        self._book = book
        self._repository = repository
        self._needed_by: defaultdict[str, set[str]] = defaultdict(set)
        self._dirty: set[str] = set()
        self._work = anyio.Event()
        book.on_change(self._on_record)

    async def open(self) -> None:
        """Fills the book with what was stored."""
        for stored in await self._repository.all():
            try:
                self._book.learn(_signed_records.read(stored.signed))
            except (InvalidInput, Malformed) as error:
                _log.warning("records.stored_one_is_bad", node=stored.node_id, error=str(error))

    def keep(self, part: str, node_id: str) -> None:
        """Notes that a part of the daemon needs a node."""
        self._needed_by[node_id].add(part)
        self._note(node_id)

    def release(self, part: str, node_id: str) -> None:
        """Notes that a part of the daemon needs a node no more."""
        needed_by = self._needed_by.get(node_id, set())
        needed_by.discard(part)
        if not needed_by:
            self._needed_by.pop(node_id, None)
            self._note(node_id)

    async def run(self) -> None:
        """Stores what changes."""
        while True:
            await self._work.wait()
            self._work = anyio.Event()
            dirty, self._dirty = self._dirty, set()
            await self._store(dirty)

    async def _store(self, node_ids: set[str]) -> None:
        known = [found for node_id in node_ids & self._needed_by.keys() if (found := self._book.find(node_id))]
        forgotten = node_ids - self._needed_by.keys()
        if known or forgotten:
            await self._repository.change([*map(stored_form, known)], forgotten)

    def _on_record(self, _old: NodeRecord | None, new: KnownRecord) -> None:
        if new.record.node_id in self._needed_by:
            self._note(new.record.node_id)

    def _note(self, node_id: str) -> None:
        self._dirty.add(node_id)
        self._work.set()


def stored_form(known: KnownRecord) -> StoredRecord:
    """Gives what is stored of a record."""
    record = known.record
    return StoredRecord(record.node_id, record.issued_at, msgspec.msgpack.encode(known.signed))


_signed_records = Reader(SignedRecord)
