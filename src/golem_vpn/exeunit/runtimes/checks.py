"""Finds out whether this machine can run payloads, by trying: what `golem-vpn doctor` and a starting provider ask."""

import stat
import tempfile
from ipaddress import ip_interface
from pathlib import Path

from golem_vpn._native import NativeError, probe_tun
from golem_vpn.errors import GolemVpnError, RuntimeUnavailable
from golem_vpn.exeunit.runtimes.base import Check, Deployment, Limits, NetworkAddress, RunCommand, Stream
from golem_vpn.exeunit.runtimes.cgroups import ControlGroups
from golem_vpn.exeunit.runtimes.cures import cure
from golem_vpn.exeunit.runtimes.holder import SetupFailed
from golem_vpn.exeunit.runtimes.messages import Failed, Standing
from golem_vpn.exeunit.runtimes.namespace import NamespaceRuntime
from golem_vpn.exeunit.runtimes.users import IMAGE_IDS, image_root
from golem_vpn.tun_device import tun_device_node

_TRIAL_ADDRESS = NetworkAddress("0" * 32, ip_interface("192.0.2.1/32"))
"""Of the range for documentation; it never leaves the trial's own namespace."""

_ORDER = ("control", "namespaces", "device", "file-system", "privileges")
"""The parts of a set-up, as they come; without the device all others can still be tried."""

_OFFLOADS = {"checksum": "checksums", "tcp": "TCP segmentation", "udp": "UDP segmentation"}
"""What the kernel may leave to a TUN, as the native core calls it and as people do."""


async def check_machine() -> list[Check]:
    """Makes a sandbox of no use and takes it away again; a line for each thing that payloads need."""
    lacking: list[str] = []
    failures = await _try_sandbox((_TRIAL_ADDRESS,), lacking)
    if "device" in failures:
        failures = await _try_sandbox((), lacking) | {"device": failures["device"]}
    return [
        _line("user namespaces", "namespaces", failures, "payloads get namespaces of their own, without privileges"),
        _line("TUN device", "device", failures, f"{_with_mode(tun_device_node())} can be used inside a namespace"),
        _line("file system", "file-system", failures, "payloads get a file system view of their own"),
        _line(
            "privileges", "privileges", failures, "payloads have no power over this machine, and a system call filter"
        ),
        _check_offloads(failures, lacking),
        _check_users(),
        await _check_limits(),
    ]


async def _try_sandbox(networks: tuple[NetworkAddress, ...], lacking: list[str]) -> dict[str, Failed]:
    """Gives what the system refused, by the part of the set-up; what comes after a refusal is not tried.

    Args:
        networks: What the sandbox is a member of; with none it needs no TUN.
        lacking: Takes the offloads that the TUN does not have.
    """
    with tempfile.TemporaryDirectory(prefix="golem-vpn-check-", ignore_cleanup_errors=True) as directory:
        runtime = NamespaceRuntime()
        try:
            await runtime.deploy(Deployment(activity_id="check", work_dir=Path(directory, "work"), networks=networks))
            device = await runtime.start()
            if device is not None:
                lacking += [_OFFLOADS[name] for name, active in probe_tun(device.fd).items() if not active]
            return await _try_program(runtime)
        except RuntimeUnavailable as error:
            failed = error.__cause__.failure if isinstance(error.__cause__, SetupFailed) else None
            return {failed.part: failed} if failed else {"namespaces": Failed("namespaces", error.message, 0)}
        except NativeError as error:
            return {"device": Failed("device", str(error), 0)}
        except (GolemVpnError, OSError) as error:
            return {"namespaces": Failed("namespaces", str(error), 0)}
        finally:
            await runtime.stop()


async def _try_program(runtime: NamespaceRuntime) -> dict[str, Failed]:
    written: list[bytes] = []

    def collect(_stream: Stream, data: bytes) -> None:
        written.append(data)

    code = await runtime.run(RunCommand(program="true"), collect)
    text = b"".join(written).decode(errors="replace").strip()
    return {} if code == 0 else {"privileges": Failed("privileges", text or f"true: exit code {code}", 0)}


def _line(name: str, part: str, failures: dict[str, Failed], fine: str) -> Check:
    if part in failures:
        failure = failures[part]
        return Check(name, ok=False, cause=failure.text, cure=cure(failure, tun_device_node()))
    if any(_ORDER.index(part) > _ORDER.index(failed) for failed in failures if failed != "device"):
        return Check(name, ok=False, cause="not tried, because of what failed before", cure="See there")
    return Check(name, ok=True, cause=fine)


def _check_offloads(failures: dict[str, Failed], lacking: list[str]) -> Check:
    name = "TUN offloads"
    if failures:
        return Check(name, ok=False, cause="not tried, because of what failed before", cure="See there", required=False)
    if not lacking:
        return Check(name, ok=True, cause="payloads' packets pass in trains of up to 64 KiB", required=False)
    cause = f"the kernel has no {', '.join(lacking)} for them: payloads' packets pass one by one, at a lower speed"
    return Check(name, ok=False, cause=cause, cure="Linux 6.2 and later have all of them", required=False)


def _with_mode(node: Path) -> str:
    return f"{node} (mode {stat.S_IMODE(node.stat().st_mode):04o})" if node.exists() else str(node)


async def _check_limits() -> Check:
    groups = ControlGroups("check", Limits(memory_bytes=1 << 30, cpu_cores=1.0))
    await groups.remove()
    missing = [f"{controller}: {cause}" for controller, cause in groups.unenforced.items()]
    if not missing:
        return Check("limits", ok=True, cause="the kernel limits memory and processor time", required=False)
    cause = f"payloads are looked at twice a second, and get whole processors ({'; '.join(missing)})"
    advice = "For limits to the byte, run the daemon as a systemd service with Delegate=yes, or as root"
    return Check("limits", ok=False, cause=cause, cure=advice, required=False)


def _check_users() -> Check:
    """Tells whether images have users of their own."""
    if image_root().users.standing is Standing.ROOT:
        return Check("users of images", ok=True, cause=f"each image has {IMAGE_IDS} of its own", required=False)
    cause = "root of an image is its only user: programs that insist on being somebody else don't run"
    advice = "Run the daemon as root, who can lend user ids to images"
    return Check("users of images", ok=False, cause=cause, cure=advice, required=False)
