"""The records that this node knows of others, the newest of each node."""

from collections import OrderedDict
from collections.abc import Callable

from golem_vpn.errors import InvalidInput
from golem_vpn.net.record import KnownRecord, NodeRecord, SignedRecord, open_record

MAX_RECORDS = 20_000

Listener = Callable[[NodeRecord | None, KnownRecord], None]
"""Hears of a new record, with the one that it replaces."""


class RecordBook:
    """Keeps verified records, and never replaces one by an older one."""

    def __init__(self) -> None:
        self._records: OrderedDict[str, KnownRecord] = OrderedDict()
        self._node_of: dict[str, str] = {}
        self._listeners: list[Listener] = []

    def on_change(self, listener: Listener) -> None:
        """Adds a listener."""
        self._listeners.append(listener)

    def learn(self, signed: SignedRecord) -> NodeRecord:
        """Takes in a record after verifying it; one that is as old as the known one changes nothing.

        Raises:
            InvalidInput: it is not as a record must be, or it is older than the known one and names another endpoint.
        """
        known = open_record(signed)
        record = known.record
        present = self.find(record.node_id)
        if present is not None and record.issued_at <= present.record.issued_at:
            # Only the endpoint matters to who is who; that an older record is still under way is no offence.
            if record.endpoint_id != present.record.endpoint_id:
                raise InvalidInput(f"a newer record of {record.node_id} names another endpoint")
            return present.record
        self._put(known)
        for listener in self._listeners:
            listener(present.record if present else None, known)
        return record

    def find(self, node_id: str) -> KnownRecord | None:
        """Finds the record of a node by its node id, or by another of its identities."""
        found = self._records.get(node_id) or self._records.get(self._node_of.get(node_id, ""))
        if found is not None:
            self._records.move_to_end(found.record.node_id)
        return found

    def _put(self, known: KnownRecord) -> None:
        record = known.record
        self._records[record.node_id] = known
        self._records.move_to_end(record.node_id)
        self._node_of.update(dict.fromkeys(record.identities[1:], record.node_id))
        if len(self._records) > MAX_RECORDS:
            _, forgotten = self._records.popitem(last=False)
            for identity in forgotten.record.identities[1:]:
                if self._node_of.get(identity) == forgotten.record.node_id:
                    del self._node_of[identity]
