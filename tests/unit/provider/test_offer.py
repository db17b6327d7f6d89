from typing import Any

import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.exeunit.runtimes.base import Limits
from golem_vpn.provider.offer import limits_of, offer_properties, task_package_of


def test_the_offer_names_what_clients_read() -> None:
    offer = offer_properties("bob")
    assert offer["golem.node.id.name"] == "bob"
    assert offer["golem.runtime.capabilities"] == ["vpn"]
    assert offer["golem.com.usage.vector"] == ["golem.usage.duration_sec", "golem.usage.cpu_sec"]
    assert offer["golem.inf.cpu.threads"] >= 1
    assert offer["golem.inf.mem.gib"] > 0


@pytest.mark.parametrize("text", ["file:/images/web", "file:///images/web"])
def test_a_task_package_on_this_machine(text: str) -> None:
    assert task_package_of({"golem.srv.comp.task_package": text}) == text


def test_no_task_package() -> None:
    assert task_package_of({}) is None


@pytest.mark.parametrize("package", [7, "", "hash:sha3:00:http://x", "file:images/web", "file:", "file:/a\0"])
def test_a_task_package_that_cannot_be(package: Any) -> None:
    with pytest.raises(InvalidInput, match=r"golem\.srv\.comp\.task_package"):
        task_package_of({"golem.srv.comp.task_package": package})


def test_limits() -> None:
    assert limits_of({}) == Limits()
    demand = {"golem.inf.mem.gib": 0.5, "golem.inf.cpu.threads": 2}
    assert limits_of(demand) == Limits(memory_bytes=1 << 29, cpu_cores=2.0)
    offer = {"golem.inf.mem.gib": 4.0, "golem.inf.cpu.threads": 1, "golem.inf.storage.gib": 2}
    assert limits_of(demand, offer) == Limits(memory_bytes=1 << 29, storage_bytes=2 << 30, cpu_cores=1.0)
    assert limits_of({}, offer) == Limits(memory_bytes=4 << 30, storage_bytes=2 << 30, cpu_cores=1.0)


@pytest.mark.parametrize("value", [0, -1, "2", True, float("nan"), float("inf"), [1]])
def test_limits_that_are_no_positive_numbers(value: Any) -> None:
    with pytest.raises(InvalidInput, match="positive number"):
        limits_of({"golem.inf.mem.gib": value})
