import pytest

from golem_vpn.net import interests
from golem_vpn.net.interests import Interests


def test_who_asked_is_told() -> None:
    asked = Interests()
    asked.note("alice", ["bob", "carol"])
    asked.note("dave", ["bob"])
    assert sorted(asked.askers(["bob", "robert"])) == ["alice", "dave"]
    assert asked.askers(["carol"]) == ["alice"]
    assert asked.askers(["eve"]) == []
    asked.forget("alice")
    assert asked.askers(["bob", "carol"]) == ["dave"]


def test_a_member_cannot_ask_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interests, "MAX_PER_MEMBER", 2)
    asked = Interests()
    asked.note("alice", ["bob", "carol", "dave"])
    assert asked.askers(["bob"]) == asked.askers(["carol"]) == ["alice"]
    assert asked.askers(["dave"]) == []


def test_what_nobody_asks_after_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interests, "MAX_NODES", 3)
    asked = Interests()
    asked.note("alice", ["one", "two"])
    asked.note("bob", ["three", "four"])
    assert asked.askers(["four"]) == []
    asked.forget("alice")
    asked.note("bob", ["four", "five", "six"])
    assert [asked.askers([name]) for name in ("one", "three", "four", "five", "six")] == [
        [], ["bob"], ["bob"], ["bob"], []
    ]  # fmt: skip
