import os
from pathlib import Path

import pytest

from golem_vpn.exeunit.runtimes import users
from golem_vpn.exeunit.runtimes.messages import Standing, Users
from golem_vpn.exeunit.runtimes.users import guest, image_root


def test_root_lends_nobody_its_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    become(monkeypatch, user=0, mapped=range(2**32))
    somebody = guest()
    assert somebody.user >= 65_534
    assert somebody.users.user_map == f"0 0 1\n1000 {somebody.user} 1\n"
    assert somebody.users.may_drop_groups


def test_root_of_a_small_container_uses_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    become(monkeypatch, user=0, mapped=range(65_536))
    assert guest().user == 65_534
    become(monkeypatch, user=0, mapped=range(1))
    assert guest().users.user_map == "1000 0 1\n"


def test_an_ordinary_user_stays_who_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    become(monkeypatch, user=1234, mapped=range(2**32))
    somebody = guest()
    assert (somebody.user, somebody.group) == (1234, 1234)
    assert somebody.users.user_map == "1000 1234 1\n"
    assert not somebody.users.may_drop_groups


def test_root_of_an_image_has_all_its_users(monkeypatch: pytest.MonkeyPatch) -> None:
    become(monkeypatch, user=0, mapped=range(2**32))
    root = image_root()
    assert root.user > 1_879_048_192
    assert root.users == Users(f"0 {root.user} 65536\n", f"0 {root.user} 65536\n", True, Standing.ROOT)


@pytest.mark.parametrize(("user", "alone"), [(0, 65_534), (1234, 1234)])
def test_root_of_an_image_may_be_alone(user: int, alone: int, monkeypatch: pytest.MonkeyPatch) -> None:
    become(monkeypatch, user=user, mapped=range(65_536))
    root = image_root()
    assert (root.user, root.group) == (alone, alone)
    assert root.users == Users(f"0 {alone} 1\n", f"0 {alone} 1\n", False, Standing.ONLY_ROOT)


def test_files_become_the_payloads(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    somebody = guest()
    somebody.own(tmp_path)
    assert tmp_path.stat().st_uid == somebody.user
    root = image_root()
    for user, expected in ((33, root.user + 33), (70_000, root.user)):
        root.give(tmp_path, user, 0)
        assert tmp_path.stat().st_uid == expected


def become(monkeypatch: pytest.MonkeyPatch, *, user: int, mapped: range) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(os, "getegid", lambda: user)
    monkeypatch.setattr(
        users, "_is_mapped", lambda first, count=1: mapped.start <= first and first + count <= mapped.stop
    )
