from pathlib import Path

import msgspec
import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.net.book import RecordBook
from golem_vpn.net.identity import Identities
from golem_vpn.net.memory import MemoryWire
from golem_vpn.net.record import KnownRecord, NodeRecord, sign
from tests.unit.net.kit import Node, make_node


@pytest.fixture
def node(wire: MemoryWire, tmp_path: Path) -> Node:
    node = make_node(wire, tmp_path, "node")
    node.control.identities.create("second")
    return node


def reissued(node: Node, later: int, **changes: object) -> KnownRecord:
    record = msgspec.structs.replace(node.record, issued_at=node.record.issued_at + later, **changes)
    return sign(record, node.control.identities)


def test_a_node_is_found_by_any_of_its_identities(node: Node) -> None:
    book = RecordBook()
    book.learn(reissued(node, 0).signed)
    for identity in node.control.identities:
        assert book.find(identity.node_id) == reissued(node, 0)
    assert book.find("0x" + "0" * 40) is None


def test_the_newest_record_counts(node: Node) -> None:
    book = RecordBook()
    heard: list[tuple[NodeRecord | None, KnownRecord]] = []
    book.on_change(lambda old, new: heard.append((old, new)))
    first, second = reissued(node, 1), reissued(node, 2, name="renamed")
    book.learn(first.signed)
    book.learn(second.signed)
    assert book.learn(first.signed) == second.record
    assert book.learn(second.signed) == second.record
    assert heard == [(None, first), (first.record, second)]


def test_an_older_record_does_not_bring_back_an_old_endpoint(node: Node) -> None:
    book = RecordBook()
    book.learn(reissued(node, 2, endpoint_id=b"n" * 32).signed)
    with pytest.raises(InvalidInput, match="newer"):
        book.learn(reissued(node, 1).signed)


def test_the_book_forgets_who_was_not_asked_for_longest(
    wire: MemoryWire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("golem_vpn.net.book.MAX_RECORDS", 2)
    book = RecordBook()
    first, second, third = (make_node(wire, tmp_path, name) for name in ("first", "second", "third"))
    first.control.identities.create("other")
    book.learn(reissued(first, 0).signed)
    book.learn(reissued(second, 0).signed)
    book.find(first.id)
    book.learn(reissued(third, 0).signed)
    assert book.find(second.id) is None
    assert book.find(first.id) is not None
    book.find(third.id)
    book.learn(reissued(second, 0).signed)
    assert all(book.find(identity.node_id) is None for identity in first.control.identities)


def test_what_is_not_signed_is_not_learnt(node: Node, identities: Identities) -> None:
    book = RecordBook()
    forged = msgspec.structs.replace(
        reissued(node, 0).signed, signatures=tuple(identities.default.sign("record", b"") for _ in range(2))
    )
    with pytest.raises(InvalidInput):
        book.learn(forged)
    assert book.find(node.id) is None
