import os
from pathlib import Path

import pytest

from golem_vpn.exeunit.runtimes import users
from golem_vpn.exeunit.runtimes.users import payload_user


def test_root_lends_nobody_its_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    become(monkeypatch, user=0, mapped=range(2**32))
    somebody = payload_user()
    assert somebody.user >= 65_534
    assert somebody.users.user_map == f"0 0 1\n1000 {somebody.user} 1\n"
    assert somebody.users.may_drop_groups


def test_root_of_a_small_container_uses_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    become(monkeypatch, user=0, mapped=range(65_536))
    assert payload_user().user == 65_534
    become(monkeypatch, user=0, mapped=range(1))
    assert payload_user().users.user_map == "1000 0 1\n"


def test_an_ordinary_user_stays_who_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    become(monkeypatch, user=1234, mapped=range(2**32))
    somebody = payload_user()
    assert (somebody.user, somebody.group) == (1234, 1234)
    assert somebody.users.user_map == "1000 1234 1\n"
    assert not somebody.users.may_drop_groups


def test_files_become_the_payloads(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    somebody = payload_user()
    somebody.own(tmp_path)
    assert tmp_path.stat().st_uid == somebody.user


def become(monkeypatch: pytest.MonkeyPatch, *, user: int, mapped: range) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(os, "getegid", lambda: user)
    monkeypatch.setattr(users, "_is_mapped", lambda _file, wanted: wanted in mapped)
