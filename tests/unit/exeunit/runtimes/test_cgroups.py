import errno
import os
from pathlib import Path

import pytest

from golem_vpn.exeunit.runtimes import cgroups
from golem_vpn.exeunit.runtimes.base import Limits
from golem_vpn.exeunit.runtimes.cgroups import ControlGroups

pytestmark = pytest.mark.anyio
LIMITS = Limits(memory_bytes=1 << 20, cpu_cores=0.5, processes=None)


async def test_the_second_generation_has_one_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    monkeypatch.setattr(cgroups, "_hierarchies", lambda: iter([("", tmp_path)]))
    groups = ControlGroups("a", LIMITS)
    (directory,) = tmp_path.glob("golem-vpn-*-a")
    assert groups.unenforced == {}
    assert (directory / "memory.max").read_text() == "1048576"
    assert (directory / "cpu.max").read_text() == "50000 100000"
    groups.add(123)
    assert (directory / "cgroup.procs").read_text() == "123"


async def test_the_daemon_makes_room_for_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    (tmp_path / "cgroup.procs").write_text(f"{os.getpid()}\n")
    write_text = Path.write_text

    def refuse_while_in_use(path: Path, text: str) -> int:
        if path.name == "cgroup.subtree_control" and not (tmp_path / "golem-vpn-daemon").exists():
            raise OSError(errno.EBUSY, "busy", str(path))
        return write_text(path, text)

    monkeypatch.setattr(Path, "write_text", refuse_while_in_use)
    monkeypatch.setattr(cgroups, "_hierarchies", lambda: iter([("", tmp_path)]))
    assert ControlGroups("a", LIMITS).unenforced == {}
    assert (tmp_path / "golem-vpn-daemon" / "cgroup.procs").read_text() == str(os.getpid())


async def test_the_first_generation_has_a_group_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hierarchies = [(name, tmp_path / name) for name in ("memory", "cpu")]
    for _, directory in hierarchies:
        directory.mkdir()
    monkeypatch.setattr(cgroups, "_hierarchies", lambda: iter(hierarchies))
    assert ControlGroups("a", LIMITS).unenforced == {}
    (memory,) = tmp_path.glob("memory/golem-vpn-*-a/memory.limit_in_bytes")
    (cpu,) = tmp_path.glob("cpu/golem-vpn-*-a/cpu.cfs_quota_us")
    assert (memory.read_text(), cpu.read_text()) == ("1048576", "50000")


async def test_what_cannot_be_limited_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu\n")
    for hierarchies, unenforced in (([("", tmp_path)], ["memory"]), ([], ["memory", "cpu"])):
        monkeypatch.setattr(cgroups, "_hierarchies", lambda found=hierarchies: iter(found))
        groups = ControlGroups(f"a{len(unenforced)}", LIMITS)
        assert list(groups.unenforced) == unenforced


async def test_groups_of_daemons_that_were_killed_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    stale, living = tmp_path / f"golem-vpn-{2**22 + 1}-x", tmp_path / "golem-vpn-1-x"
    stale.mkdir()
    living.mkdir()
    monkeypatch.setattr(cgroups, "_hierarchies", lambda: iter([("", tmp_path)]))
    ControlGroups("a", LIMITS)
    assert (stale.exists(), living.exists()) == (False, True)
