from typing import Any

import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.exeunit.runtimes.base import Volume
from golem_vpn.exeunit.volumes import MAX_VOLUMES, plan_volumes


def test_a_list_of_paths() -> None:
    assert plan_volumes(("/golem/b/", "/golem/a")) == (Volume(path="/golem/a"), Volume(path="/golem/b"))
    assert plan_volumes(()) == ()


@pytest.mark.parametrize(
    ("kind", "size", "in_memory"),
    [
        ({"host": {}}, None, False),
        ({"storage": {"size": "2g", "errors": "panic"}}, 2 << 30, False),
        ({"storage": {"size": "0.5 GiB", "preallocate": True}}, 1 << 29, False),
        ({"storage": {}}, None, False),
        ({"ram": {"size": "64M"}}, 64 << 20, True),
        ({"ram": {"size": 1000}}, 1000, True),
        ({"ram": {"size": "10kb"}}, 10 << 10, True),
    ],
)
def test_kinds(kind: dict[str, Any], size: int | None, in_memory: bool) -> None:
    assert plan_volumes({"/data": kind}) == (Volume(path="/data", size_bytes=size, in_memory=in_memory),)


@pytest.mark.parametrize("path", ["", "/", "data", "/a/../b", "/a/./b", "/a//b", "/nul\0", "/" + "x" * 2000])
def test_paths_that_cannot_be(path: str) -> None:
    with pytest.raises(InvalidInput, match="is not an absolute path"):
        plan_volumes((path,))


@pytest.mark.parametrize("path", ["/proc", "/sys/fs", "/dev/shm", "/etc/ssh", "/mnt/x"])
def test_paths_of_the_runtime(path: str) -> None:
    with pytest.raises(InvalidInput, match="the runtime's"):
        plan_volumes({path: {"host": {}}})


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        ({}, "expected one of host, ram, storage"),
        ({"disk": {}}, "expected one of"),
        ({"host": {}, "ram": {}}, "expected one of"),
        ({"host": 1}, "expected one of"),
        ({"ram": {}}, "needs a size"),
        ({"ram": {"size": "-1"}}, "is not a size"),
        ({"ram": {"size": "0"}}, "is not a size"),
        ({"ram": {"size": "much"}}, "is not a size"),
        ({"ram": {"size": True}}, "is not a size"),
    ],
)
def test_kinds_that_cannot_be(kind: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        plan_volumes({"/data": kind})


def test_too_many_or_twice() -> None:
    with pytest.raises(InvalidInput, match="17 volumes, 16 are allowed"):
        plan_volumes([f"/data/{number}" for number in range(MAX_VOLUMES + 1)])
    for twice in (["/a", "/a"], ["/a", "/a/"]):
        with pytest.raises(InvalidInput, match="named twice"):
            plan_volumes(twice)
