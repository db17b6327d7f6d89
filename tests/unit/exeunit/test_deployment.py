from pathlib import Path
from typing import Any

import msgspec
import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.exeunit.deployment import MAX_ADDRESSES, Place, plan_deployment
from golem_vpn.exeunit.runtimes.base import Deployment, Limits
from golem_vpn.exeunit.script import Deploy
from golem_vpn.images.packages import Package

PLACE = Place(
    activity_id="a" * 32,
    requestor="0x" + "aa" * 20,
    work_dir=Path("/data/a"),
    limits=Limits(memory_bytes=1 << 30),
    hidden=(Path("/data"),),
)
FOUR = {"id": "1" * 32, "ip": "10.1.0.0", "mask": "255.255.0.0", "nodeIp": "10.1.0.7"}
SIX = {"id": "2" * 32, "ip": "fd00::/64", "nodeIp": "fd00::7"}


def plan(**deploy: Any) -> Deployment:
    return plan_deployment(PLACE, msgspec.convert(deploy, Deploy))


def test_an_image_brings_its_environment() -> None:
    package = Package(Path("/images/web"), env=(("PATH", "/bin"), ("A", "image")))
    deployment = plan_deployment(PLACE, msgspec.convert({"env": {"A": "demand"}}, Deploy), package)
    assert deployment.task_package == Path("/images/web")
    assert dict(deployment.env) == {"PATH": "/bin", "A": "demand"}


def test_what_the_provider_decided_is_kept() -> None:
    deployment = plan()
    assert (deployment.activity_id, deployment.work_dir) == (PLACE.activity_id, PLACE.work_dir)
    assert (deployment.task_package, deployment.limits) == (None, PLACE.limits)
    assert deployment.hidden == PLACE.hidden


def test_networks_names_and_environment() -> None:
    deployment = plan(net=[FOUR, SIX], hosts={"db": "10.1.0.8"}, hostname="web", env={"A": "1"})
    addresses = [(network.network_id, str(network.address)) for network in deployment.networks]
    assert addresses == [("1" * 32, "10.1.0.7/16"), ("2" * 32, "fd00::7/64")]
    assert deployment.hosts == (("db", "10.1.0.8"),)
    assert deployment.hostname == "web"
    assert deployment.env == (("A", "1"),)


def test_several_addresses_in_one_network() -> None:
    assert len(plan(net=[FOUR, FOUR | {"nodeIp": "10.1.0.8"}]).networks) == 2


def test_the_prefix_of_the_address_wins_over_the_mask() -> None:
    [network] = plan(net=[FOUR | {"ip": "10.1.0.0/24"}]).networks
    assert str(network.address) == "10.1.0.7/24"


@pytest.mark.parametrize(
    ("deploy", "complaint"),
    [
        ({"net": [FOUR, FOUR]}, "same address in the same network twice"),
        ({"net": [FOUR] * (MAX_ADDRESSES + 1)}, "65 entries, 64 are allowed"),
        ({"net": [FOUR | {"id": "../x"}]}, r"net\[0\]: '../x' is not a network id"),
        ({"net": [FOUR, FOUR | {"nodeIp": "192.168.0.1"}]}, r"net\[1\]: Invalid network IP address: 192.168.0.1"),
        ({"net": [FOUR | {"nodeIp": "127.0.0.1"}]}, "IP address not allowed: 127.0.0.1"),
        ({"net": [FOUR | {"ip": "10.1.0"}]}, "invalid IP address syntax"),
        ({"hosts": {"db": "ten"}}, r"hosts\['db'\]: Invalid IP address"),
        ({"volumes": ["data"]}, "'data' is not an absolute path"),
        ({"volumes": {"/data": {"ram": {"size": "9g"}}}}, "the agreement has 1073741824"),
    ],
)
def test_what_cannot_be_is_named(deploy: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        plan(**deploy)
