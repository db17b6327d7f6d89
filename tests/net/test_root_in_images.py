"""Payloads with an image are root inside: what servers that expect a machine can do, and what stays refused."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from golem_vpn.errors import RuntimeUnavailable
from golem_vpn.exeunit.runtimes import namespace
from golem_vpn.exeunit.runtimes.base import Volume
from golem_vpn.exeunit.runtimes.image import layer_image
from golem_vpn.exeunit.runtimes.layout import Layout
from tests.net.activities import Activity, activity
from tests.net.rootfs import make_root

pytestmark = [pytest.mark.network, pytest.mark.anyio]

PROGRAMS = (
    *("sshd", "ssh", "ssh-keygen", "chpasswd", "nginx", "curl", "redis-server", "redis-cli", "ps", "seq"),
    *("dd", "kill", "sysctl"),
)
OF_CONTAINERS = 0x405FB
NGINX = """\
user www-data;
worker_processes 2;
error_log stderr;
events {}
http { access_log off; server { listen 80; location / { return 200 "served\\n"; } } }
"""
SSHD = "PermitRootLogin yes\nUsePAM {}\nPasswordAuthentication yes\n"
HAS_OTHER_USERS = os.geteuid() == 0


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A root file system with servers, which all activities share."""
    root = make_root(tmp_path_factory.mktemp("image") / "root", PROGRAMS)
    for name in ("var/log/nginx", "var/lib/nginx", "etc/ssh", "etc/nginx"):
        (root / name).mkdir(parents=True)
    (root / "etc/nginx/nginx.conf").write_text(NGINX)
    yield root
    assert not (root / "mark").exists()


async def test_the_payload_is_root_of_its_own_machine(image: Path, tmp_path: Path) -> None:
    async with activity(tmp_path, task_package=image) as own:
        assert await own.output("id -un; id -u; pwd; echo $HOME $USER") == "root\n0\n/golem/work\n/root root\n"
        status = dict(line.split(":\t", 1) for line in (await own.output("cat /proc/self/status")).splitlines())
        sets = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
        assert [int(status[name], 16) for name in sets] == [0, *[OF_CONTAINERS] * 3, 0]
        assert status["NoNewPrivs"] == "1"
        await own.output(
            "touch /mark /etc/mark /usr/bin/mark /root/mark /run/mark /var/mark /golem/work/mark /tmp/mark"
        )
        await own.output("rm /etc/pam.d/other && mv /bin/true /bin/yes && chmod 4755 /bin/yes && /bin/yes")
        await own.output("ping -c 1 -W 2 127.0.0.1")
    assert (image / "bin/true").exists()
    assert os.listdir(tmp_path) == ["work"]


async def test_users_are_changed_or_seem_to_be(image: Path, tmp_path: Path) -> None:
    async with activity(tmp_path, task_package=image) as own:
        await own.output("touch a && chown alice:www-data a && su alice -c 'id -un; touch /tmp/b'")
        await own.output("chroot / /bin/true && env -i /bin/su www-data -s /bin/sh -c true")
        owners = await own.output("stat -c %u:%g a; stat -c %u /tmp/b /etc/passwd")
        assert owners.split() == (["1000:33", "1000", "0"] if HAS_OTHER_USERS else ["0:0", "0", "0"])
        if HAS_OTHER_USERS:
            result = await own.shell("su alice -c 'cat /etc/shadow || kill -0 1 || touch /etc/own || chown root a'")
            assert result.code != 0


@pytest.mark.parametrize(
    "attempt",
    [
        "unshare --user true",
        "unshare --net true",
        "unshare --mount true",
        "mount -t tmpfs none /mnt",
        "mount -o remount,rw /sys",
        "ip link set vpn0 down",
        "ip address add 10.9.0.99/24 dev vpn0",
        "ip link add veth0 type dummy",
        "echo 1 > /proc/sys/net/ipv6/conf/vpn0/disable_ipv6",
        "echo 1 > /proc/sys/net/ipv4/ip_forward",
        "echo 9 > /proc/sys/user/max_user_namespaces",
        "echo x > /proc/sysrq-trigger",
        "mknod /tmp/memory c 1 1",
        "mknod /tmp/disk b 8 0",
        "cat /proc/1/environ",
        "ls /proc/1/fd/",
        "kill -KILL 1 && sleep 0.2 && ! kill -0 1",
        "hostname other",
        "perl -e 'socket(S, 17, 3, 3) or exit 1'",
        "perl -e 'socket(S, 2, 3, 1) or exit 1'",
        # On x86-64: ptrace(PTRACE_ATTACH, 1), init_module, open_by_handle_at, keyctl, bpf.
        "perl -e 'syscall(101, 16, 1, 0, 0) == 0 or exit 1'",
        "perl -e 'syscall(175, 0, 0, 0) == 0 or exit 1'",
        "perl -e 'syscall(304, 0, 0, 0) == 0 or exit 1'",
        "perl -e 'syscall(250, 0, 0) >= 0 or exit 1'",
        "perl -e 'syscall(321, 0, 0, 0) >= 0 or exit 1'",
        "echo -1000 > /proc/self/oom_score_adj",
        "test -e /dev/net/tun",
    ],
)
async def test_root_inside_cannot(attempt: str, image: Path, tmp_path: Path) -> None:
    async with activity(tmp_path, task_package=image) as own:
        result = await own.shell(attempt)
        assert result.code != 0, result


async def test_programs_do_not_gain_what_users_gave_up(image: Path, tmp_path: Path) -> None:
    if not HAS_OTHER_USERS:
        pytest.skip("there is one user only")
    async with activity(tmp_path, task_package=image) as own:
        await own.output("cp /bin/cat /usr/bin/risky && chmod 4755 /usr/bin/risky")
        assert (await own.shell("su alice -c '/usr/bin/risky /etc/shadow'")).code != 0


async def test_nothing_of_a_root_is_left_on_the_host(image: Path, tmp_path: Path) -> None:
    async with activity(tmp_path, task_package=image) as own:
        await own.output("cp /bin/cat risky && chmod 6755 risky && chown 0:0 risky")
        risky = (tmp_path / "work" / "risky").stat()
        assert not stat.S_IMODE(tmp_path.stat().st_mode) & 0o077
        assert risky.st_uid != 0


async def test_nginx_serves_as_it_is_installed(image: Path, tmp_path: Path) -> None:
    async with activity(tmp_path, task_package=image) as own:
        await own.output("nginx")
        await own.until("curl --silent --fail http://10.9.0.2/ | grep served")
        users = (await own.output("ps -o user:20= -C nginx")).split()
        assert sorted(set(users)) == (["root", "www-data"] if HAS_OTHER_USERS else ["root"])


async def test_redis_serves(image: Path, tmp_path: Path) -> None:
    async with activity(tmp_path, task_package=image) as own:
        await own.output("redis-server --daemonize yes --bind 10.9.0.2 --protected-mode no")
        await own.until('test "$(redis-cli -h 10.9.0.2 set key value)" = OK')


@pytest.mark.parametrize("pam", ["no", "yes"])
async def test_openssh_lets_root_in(pam: str, image: Path, tmp_path: Path) -> None:
    async with activity(tmp_path, task_package=image) as own:
        await start_sshd(own, SSHD.format(pam))
        for user in ("root", "alice"):
            ssh = f"ssh -n -o StrictHostKeyChecking=no -o NumberOfPasswordPrompts=1 {user}@10.9.0.2"
            secret = f"env DISPLAY=:0 SSH_ASKPASS_REQUIRE=force SSH_ASKPASS=/golem/work/say-{user} {ssh}"
            await own.until(f"{secret} true")
            expected = user if HAS_OTHER_USERS else "root"
            assert (await own.output(f"{secret} id -un")).strip() == expected
            terminal = await own.output(f"{secret} -tt 'tty; stty size; cat /proc/self/loginuid; touch ~/here'")
            assert "/dev/pts/" in terminal
            wrong = f"env DISPLAY=:0 SSH_ASKPASS_REQUIRE=force SSH_ASKPASS=/bin/true {ssh} true"
            assert (await own.shell(wrong)).code != 0
        await own.output("mkdir -p /root/.ssh && ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519")
        await own.output("cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys")
        login = "ssh -o BatchMode=yes -o StrictHostKeyChecking=no root@10.9.0.2"
        assert await own.output(f"{login} id -u") == "0\n"


async def start_sshd(own: Activity, config: str) -> None:
    """Does what an SSH terminal application does to a fresh machine."""
    await own.output('echo "$CONFIG" > /etc/ssh/sshd_config', env=(("CONFIG", config),))
    await own.output("ssh-keygen -A && echo root:secret | chpasswd && echo alice:hidden | chpasswd")
    for user, secret in (("root", "secret"), ("alice", "hidden")):
        await own.output(f"printf '#!/bin/sh\\necho {secret}\\n' > say-{user} && chmod 755 say-{user}")
    await own.output("chown alice:alice /home/alice && /usr/sbin/sshd -E /tmp/sshd.log")


async def test_an_image_is_copied_where_it_cannot_be_layered(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def across_file_systems(*arguments: Any) -> Layout:
        layout = layer_image(*arguments)
        return msgspec.structs.replace(layout, root=msgspec.structs.replace(layout.root, scratch=Path("/dev/shm")))

    monkeypatch.setattr(namespace, "layer_image", across_file_systems)
    async with activity(tmp_path, task_package=image) as own:
        assert await own.output("id -un; touch /mark; chown alice /mark; stat -c %u /etc/passwd") == "root\n0\n"
        assert "10.9.0.2" in await own.output("cat /etc/hosts")
        if HAS_OTHER_USERS:
            assert await own.output("su alice -c 'id -un'") == "alice\n"
    assert os.listdir(tmp_path) == ["work"]


async def test_servers_become_daemons_by_themselves(image: Path, tmp_path: Path) -> None:
    async with activity(tmp_path, task_package=image) as own:
        await own.output("ssh-keygen -A && echo > /etc/ssh/sshd_config")
        with anyio.fail_after(20):
            assert (await own.run("/usr/sbin/sshd")).code == 0
            assert (await own.run("nginx")).code == 0
        assert (await own.output("ps -o comm= -C sshd,nginx")).split().count("sshd") == 1


async def test_links_do_not_lead_volumes_over_the_kernels_settings(tmp_path: Path) -> None:
    image = make_root(tmp_path / "image")
    (image / "settings").symlink_to("/proc/sys")
    for volume in (Volume(path="/settings/user"), Volume(path="/settings/user", size_bytes=1 << 20, in_memory=True)):
        with pytest.raises(RuntimeUnavailable, match="/settings/user"):
            async with activity(tmp_path / "work", task_package=image, volumes=(volume,)):
                pass
    async with activity(tmp_path / "work", task_package=image, volumes=(Volume(path="/data/own"),)) as own:
        await own.output("touch /data/own/file")
