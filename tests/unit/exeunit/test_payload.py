from collections.abc import Sequence
from ipaddress import ip_interface
from pathlib import Path

import pytest

from golem_vpn.errors import RuntimeUnavailable
from golem_vpn.exeunit.payload import Payload
from golem_vpn.exeunit.runtimes.base import Deployment, NetworkAddress, TunDevice
from tests.unit.exeunit.kit import REQUESTOR, NotedNetworks
from tests.unit.exeunit.plain_runtime import PlainRuntime

pytestmark = pytest.mark.anyio

ADDRESS = NetworkAddress("1" * 32, ip_interface("10.1.0.7/16"))


class WithoutInterface(PlainRuntime):
    async def start(self, args: Sequence[str] = ()) -> TunDevice | None:
        return None


def deployment(work_dir: Path, *networks: NetworkAddress) -> Deployment:
    return Deployment(activity_id="a" * 32, work_dir=work_dir, networks=networks)


async def test_a_payload_with_networks_joins_and_leaves_them(tmp_path: Path) -> None:
    runtime, networks = PlainRuntime(), NotedNetworks()
    payload = Payload(runtime, networks, REQUESTOR)
    await payload.deploy(deployment(tmp_path, ADDRESS))
    await payload.start(())
    assert list(networks.joined.values()) == [(ADDRESS,)]
    for _ in range(2):
        await payload.stop()
    assert networks.joined == {}
    assert runtime.stopped == 2


async def test_a_payload_without_networks_joins_none(tmp_path: Path) -> None:
    networks = NotedNetworks()
    payload = Payload(WithoutInterface(), networks, REQUESTOR)
    await payload.deploy(deployment(tmp_path))
    await payload.start(())
    assert networks.joined == {}


async def test_a_runtime_without_interface_cannot_join(tmp_path: Path) -> None:
    payload = Payload(WithoutInterface(), NotedNetworks(), REQUESTOR)
    await payload.deploy(deployment(tmp_path, ADDRESS))
    with pytest.raises(RuntimeUnavailable, match="cannot join networks"):
        await payload.start(())
