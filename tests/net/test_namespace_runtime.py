"""Payloads in real namespaces: what they see, what they can't do, and what is refused to their requestor."""

import os
import socket
from ipaddress import ip_interface
from pathlib import Path

import pytest

from golem_vpn.errors import InvalidInput, RuntimeUnavailable
from golem_vpn.exeunit.runtimes.base import Deployment, Limits, RunCommand
from golem_vpn.exeunit.runtimes.namespace import NamespaceRuntime
from tests.net.activities import activity

pytestmark = [pytest.mark.network, pytest.mark.anyio]


async def test_the_payload_has_its_own_network(tmp_path: Path) -> None:
    async with activity(tmp_path, addresses=("10.9.0.2/24", "fd00:9::2/64")) as own:
        assert own.device is not None
        assert (own.device.name, own.device.mtu) == ("vpn0", 1420)
        assert await own.output("ls /sys/class/net") == "lo\nvpn0\n"
        addresses = await own.output("ip -oneline address")
        assert "inet 10.9.0.2/24" in addresses
        assert "inet6 fd00:9::2/64" in addresses
        assert "fe80" not in addresses
        assert "mtu 1420" in await own.output("ip link show vpn0")
        await own.output("ping -c 1 -W 2 127.0.0.1 && ping -c 1 -W 2 ::1")


async def test_an_ipv4_network_has_no_ipv6(tmp_path: Path) -> None:
    async with activity(tmp_path) as own:
        assert "inet6" not in await own.output("ip -oneline address show vpn0")
        assert own.device is not None
        os.set_blocking(own.device.fd, False)
        with pytest.raises(BlockingIOError):
            os.read(own.device.fd, 65_536)


async def test_addresses_change_live(tmp_path: Path) -> None:
    async with activity(tmp_path, addresses=("10.9.0.2/24", "10.9.0.3/24")) as own:
        await own.runtime.set_addresses([ip_interface("10.9.0.3/24"), ip_interface("fd00:9::3/64")])
        addresses = await own.output("ip -oneline address show vpn0")
        assert "10.9.0.2" not in addresses
        assert "inet 10.9.0.3/24" in addresses
        assert "inet6 fd00:9::3/64" in addresses
        await own.runtime.set_addresses([ip_interface("10.9.0.4/24")])
        addresses = await own.output("ip -oneline address show vpn0")
        assert "inet 10.9.0.4/24" in addresses
        assert "inet6" not in addresses


async def test_without_a_network_there_is_only_loopback(tmp_path: Path) -> None:
    async with activity(tmp_path, addresses=()) as own:
        assert own.device is None
        assert await own.output("ls /sys/class/net") == "lo\n"
        with pytest.raises(InvalidInput, match="no network interface"):
            await own.runtime.set_addresses([ip_interface("10.9.0.3/24")])


async def test_the_payload_has_no_power(tmp_path: Path) -> None:
    async with activity(tmp_path) as own:
        status = dict(line.split(":\t", 1) for line in (await own.output("cat /proc/self/status")).splitlines())
        sets = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
        assert [int(status[name], 16) for name in sets] == [0] * 5
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
        assert (await own.output("id -u; id -g")).split() == ["1000", "1000"]


@pytest.mark.parametrize(
    "attempt",
    [
        "unshare --user true",
        "unshare --user --map-root-user --net true",
        "mount -t tmpfs none /tmp",
        "ip link set vpn0 down",
        "ip address add 10.9.0.99/24 dev vpn0",
        "python3 -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)'",
        "python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)'",
        "python3 -c 'import socket; socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)'",
        "cat /proc/1/environ",
        "kill -KILL 1 && sleep 0.2 && ! kill -0 1",
        "test -e /dev/net/tun",
        "touch /usr/mark || touch /etc/mark || touch /mark || touch /opt/mark",
        "cat /etc/shadow",
        "hostname other",
        "ls /root /home",
    ],
)
async def test_the_payload_cannot(attempt: str, tmp_path: Path) -> None:
    async with activity(tmp_path) as own:
        result = await own.shell(attempt)
        assert result.code != 0, result


async def test_the_payload_sees_its_own_processes_only(tmp_path: Path) -> None:
    async with activity(tmp_path) as own:
        seen = await own.output("cat /proc/[0-9]*/comm")
        assert str(os.getpid()) not in (await own.output("ls /proc")).split()
        assert len(seen.splitlines()) <= 3


async def test_hidden_directories_and_sockets_are_out_of_reach(tmp_path_factory: pytest.TempPathFactory) -> None:
    shown = Path("/srv") if os.access("/srv", os.W_OK) else None
    secret = tmp_path_factory.mktemp("keys")
    (secret / "key").write_text("secret")
    async with activity(tmp_path_factory.mktemp("work"), hidden=(secret,)) as own:
        assert (await own.shell(f"cat {secret}/key")).code != 0
    if shown is None:
        return
    path = shown / f"golem-vpn-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o777)
        listener.listen()
        try:
            async with activity(tmp_path_factory.mktemp("work")) as own:
                connect = f"import socket; socket.socket(socket.AF_UNIX).connect('{path}')"
                assert (await own.run("python3", "-c", connect)).code != 0
        finally:
            path.unlink()


async def test_the_payload_has_names_and_environment(tmp_path: Path) -> None:
    hosts, env = (("peer", "10.9.0.7"),), (("COLOUR", "blue"), ("KEPT", "yes"))
    async with activity(tmp_path, hosts=hosts, hostname="node-a", env=env) as own:
        names = await own.output("cat /etc/hosts")
        assert "10.9.0.7 peer\n" in names
        assert "10.9.0.2 node-a\n" in names
        assert await own.output("hostname; cat /etc/hostname") == "node-a\nnode-a\n"
        variables = await own.output('echo "$COLOUR $KEPT $HOME $USER"', env=(("COLOUR", "red"),))
        assert variables == "red yes /golem/work golem\n"
        assert await own.output("getent hosts peer; id -un; pwd") == "10.9.0.7        peer\ngolem\n/golem/work\n"


async def test_work_and_scratch_directories_are_writable(tmp_path: Path) -> None:
    async with activity(tmp_path) as own:
        assert own.deployed.volumes == ("/golem/work",)
        await own.output("touch result /tmp/a /run/b /var/log/c /var/tmp/d /dev/shm/e")
        assert await own.output("pwd", directory="/tmp") == "/tmp\n"
        assert (tmp_path / "work" / "result").exists()
    assert (tmp_path / "work" / "result").exists()
    assert os.listdir(tmp_path) == ["work"]


async def test_control_groups_go_with_the_activity(tmp_path: Path) -> None:
    async with activity(tmp_path, limits=Limits(memory_bytes=64 << 20, cpu_cores=1.0)) as own:
        await own.output("true")
    assert not list(Path("/sys/fs/cgroup").rglob(f"golem-vpn-{os.getpid()}-*"))


async def test_the_number_of_processes_is_limited(tmp_path: Path) -> None:
    async with activity(tmp_path, limits=Limits(processes=20, open_files=64)) as own:
        result = await own.shell("for i in $(seq 40); do sleep 5 & done")
        assert "fork" in result.stderr.lower()
        assert (await own.run("python3", "-c", "[open('/dev/null') for _ in range(100)]")).code != 0


async def test_a_wrong_task_package_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not an archive")
    for name, reason in (("nowhere", "No such file"), ("text", "neither a directory nor a tar archive")):
        runtime = NamespaceRuntime()
        deployment = Deployment(activity_id="x", work_dir=tmp_path / "work", task_package=tmp_path / name)
        with pytest.raises(InvalidInput, match=reason):
            await runtime.deploy(deployment)
        await runtime.stop()


@pytest.mark.parametrize(
    ("node", "cure"),
    [("/nowhere", "modprobe tun"), ("/etc/shadow", "chmod 0666"), ("/etc/hosts", "no TUN device node")],
)
async def test_a_missing_device_names_its_cure(
    node: str, cure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if node == "/etc/shadow" and os.access(node, os.R_OK):
        pytest.skip("root may open everything")
    if node == "/etc/hosts" and not os.access(node, os.W_OK):
        pytest.skip("only root may open it for writing")
    monkeypatch.setenv("GOLEM_VPN_TUN_DEVICE", node)
    with pytest.raises(RuntimeUnavailable, match=cure):
        async with activity(tmp_path):
            pass


async def test_misuse_is_refused(tmp_path: Path) -> None:
    runtime = NamespaceRuntime()
    with pytest.raises(InvalidInput, match="nothing is deployed"):
        await runtime.start()
    with pytest.raises(InvalidInput, match="hostname"):
        await runtime.deploy(Deployment(activity_id="x", work_dir=tmp_path, hostname="two words"))
    async with activity(tmp_path) as own:
        with pytest.raises(InvalidInput, match="already"):
            await own.runtime.start()
        with pytest.raises(InvalidInput, match="too long"):
            await own.runtime.run(RunCommand(program="true", args=("x" * 1_000_000,)), lambda _stream, _data: None)
        for odd in ("zero\0byte", "half a pair \ud800"):
            with pytest.raises(InvalidInput):
                await own.run("true", odd)
        assert (await own.run("true", "x" * 200_000)).code == 126
