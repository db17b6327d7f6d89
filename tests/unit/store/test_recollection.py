import pytest

from golem_vpn.store.recollection import Recollection


def test_what_is_kept_is_found_until_it_is_written_anew() -> None:
    kept = Recollection[str, int]()
    assert kept.find("a") is None
    kept.keep("a", 1, kept.writes)
    kept.keep("b", 2, kept.writes)
    assert (kept.find("a"), kept.find("b")) == (1, 2)
    kept.forget("a")
    assert (kept.find("a"), kept.find("b")) == (None, 2)
    kept.forget_all()
    assert kept.find("b") is None


def test_what_was_read_while_others_wrote_is_not_kept() -> None:
    kept = Recollection[str, int]()
    writes = kept.writes
    kept.forget("a")
    kept.keep("a", 1, writes)
    assert kept.find("a") is None


def test_what_was_not_used_for_long_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("golem_vpn.store.recollection.MAX_KEPT", 2)
    kept = Recollection[str, int]()
    kept.keep("a", 1, 0)
    kept.keep("b", 2, 0)
    assert kept.find("a") == 1
    kept.keep("c", 3, 0)
    assert (kept.find("a"), kept.find("b"), kept.find("c")) == (1, None, 3)
