"""What `golem-vpn doctor` looks at: whether this machine can do what the daemon needs."""

import fcntl
import os
import shutil
import socket
import sys
import time
from pathlib import Path

import msgspec

from golem_vpn import _native
from golem_vpn.config import DEFAULT_API_PORT, DEFAULT_LISTEN_PORT, DEFAULT_RELAY_PORT
from golem_vpn.errors import RuntimeUnavailable
from golem_vpn.exeunit.runtimes.checks import check_machine
from golem_vpn.net.stack_helper import stack_helper

OLDEST_SANE_TIME = 1_790_000_000.0
"""September 2026, before this version was written: a clock that shows less is wrong."""
LEAST_FREE_BYTES = 1 << 30
LEAST_SOCKET_BUFFER = 1 << 20


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the report."""

    name: str
    ok: bool
    cause: str
    """What was found."""
    cure: str = ""
    """What to do about it, where it is not well."""
    required: bool = True
    """Whether the daemon can't do its main job without it."""


async def examine(data_dir: Path) -> list[Finding]:
    """Looks at everything, the machine first."""
    findings = [_clock(), _storage(data_dir)]
    findings += [
        Finding(
            name=check.name, ok=check.ok, cause=check.cause, cure="" if check.ok else check.cure,
            required=check.required,
        )
        for check in await check_machine()
    ]  # fmt: skip
    findings += [await _gate(), *_native_findings()]
    findings += _ports(data_dir)
    return findings


def _clock() -> Finding:
    now = time.time()
    shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    return Finding(
        name="clock",
        ok=now >= OLDEST_SANE_TIME,
        cause=f"shows {shown}",
        cure="" if now >= OLDEST_SANE_TIME else "set it; other nodes refuse records that are dated wrongly",
    )


def _storage(data_dir: Path) -> Finding:
    place = next(folder for folder in (data_dir, *data_dir.absolute().parents) if os.path.lexists(folder))
    if not place.is_dir() or not os.access(place, os.R_OK | os.W_OK | os.X_OK):
        return Finding(
            name="data folder",
            ok=False,
            cause=f"{place} is no folder that this user may read and write",
            cure="name another one with --data-dir, or become the user whose it is",
        )
    free = shutil.disk_usage(place).free
    ok = free >= LEAST_FREE_BYTES
    return Finding(
        name="data folder",
        ok=ok,
        cause=f"{data_dir}, {free / 1e9:.1f} GB free",
        cure="" if ok else "make room, or name another folder with --data-dir",
        required=False,
    )


async def _gate() -> Finding:
    with stack_helper() as helper:
        try:
            await helper.namespaces()
        except RuntimeUnavailable as error:
            return Finding(
                name="gate",
                ok=False,
                cause=f"it uses TCP/IP in user space, which is slow on long and lossy paths: {error.message}",
                cure="see user namespaces and TUN device",
                required=False,
            )
    return Finding(name="gate", ok=True, cause="it uses the kernel's TCP/IP, in namespaces of its own", required=False)


def _native_findings() -> list[Finding]:
    found = _native.probe()
    return [
        _offload(
            "AES instructions", found["aes_instructions"], "packets are sealed by AES-256-GCM in hardware",
            "packets are sealed by ChaCha20-Poly1305, at a lower speed",
        ),
        _offload(
            "UDP segmentation offload", found["udp_segmentation"], "one system call sends many datagrams",
            "each datagram costs a system call; Linux 4.18 and later have it",
        ),
        _offload(
            "UDP receive offload", found["udp_receive"], "one system call receives many datagrams",
            "each datagram costs a system call; Linux 5.0 and later have it",
        ),
        _buffers(min(found["send_buffer"], found["receive_buffer"])),
        _priority(found["real_time"]),
    ]  # fmt: skip


def _offload(name: str, ok: bool, with_it: str, without_it: str) -> Finding:
    return Finding(name=name, ok=ok, cause=with_it if ok else without_it, required=False)


def _buffers(size: int) -> Finding:
    ok = size >= LEAST_SOCKET_BUFFER
    return Finding(
        name="socket buffers",
        ok=ok,
        cause=f"{size / 1e6:.1f} MB",
        cure="" if ok else "raise net.core.rmem_max and net.core.wmem_max to 7500000: bursts are lost otherwise",
        required=False,
    )


def _priority(permitted: bool) -> Finding:
    return Finding(
        name="packet priority",
        ok=permitted,
        cause="on more than one processor packets pass before other programs under a heavy load"
        if permitted
        else "under a heavy load packets wait for a processor behind the programs that send them",
        cure="" if permitted else "permit real-time priority 1: LimitRTPRIO=1 in the unit of systemd, or `ulimit -r 1`",
        required=False,
    )


def _ports(data_dir: Path) -> list[Finding]:
    if _daemon_runs(data_dir):
        return [Finding(name="ports", ok=True, cause="a daemon of this data folder has them")]
    wanted = [
        ("API port", socket.SOCK_STREAM, "127.0.0.1", DEFAULT_API_PORT, "--api HOST:PORT"),
        ("control port", socket.SOCK_DGRAM, "", DEFAULT_LISTEN_PORT, "--listen HOST:PORT"),
        ("packet port", socket.SOCK_DGRAM, "", DEFAULT_LISTEN_PORT + 1, "--listen HOST:PORT"),
    ]
    relay = ("relay port", socket.SOCK_STREAM, "", DEFAULT_RELAY_PORT, "--relay-listen HOST:PORT, or --no-relay")
    return [*(_port(*port) for port in wanted), _port(*relay, required=False)]


def _daemon_runs(data_dir: Path) -> bool:
    try:
        with open(data_dir / "daemon.lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _port(name: str, kind: int, host: str, port: int, option: str, *, required: bool = True) -> Finding:
    transport = "TCP" if kind == socket.SOCK_STREAM else "UDP"
    with socket.socket(socket.AF_INET, kind) as probe:
        if sys.platform == "linux" and kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return Finding(
                name=name,
                ok=False,
                cause=f"{transport} port {port}: {error.strerror}",
                cure=f"end the program that has it, or start the daemon with {option}",
                required=required,
            )
    return Finding(name=name, ok=True, cause=f"{transport} port {port} is free")
