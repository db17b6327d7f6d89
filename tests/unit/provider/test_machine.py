import os
import platform
from pathlib import Path

import pytest

from golem_vpn.provider.machine import look_at_machine


def test_this_machine(tmp_path: Path) -> None:
    machine = look_at_machine(tmp_path)
    assert machine.architecture == platform.machine()
    assert 1 <= machine.cores <= machine.threads == len(os.sched_getaffinity(0))
    assert machine.memory_gib > 0
    assert machine.storage_gib > 0


def test_threads_of_one_core_are_one_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    described = tmp_path / "cpuinfo"
    blocks = [
        f"processor\t: {number}\nmodel name\t: Quick\nphysical id\t: 0\ncore id\t\t: {number // 2}\n"
        for number in range(8)
    ]
    described.write_text("\n".join(blocks))
    machine = look_at_machine(tmp_path, described)
    assert (machine.processor, machine.cores, machine.threads) == ("Quick", 2, 4)


def test_a_kernel_that_tells_nothing(tmp_path: Path) -> None:
    machine = look_at_machine(tmp_path, tmp_path / "none")
    assert machine.processor == "unknown"
    assert machine.cores == machine.threads
