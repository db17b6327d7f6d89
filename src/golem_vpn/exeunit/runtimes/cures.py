"""Says what the owner of a machine can do where the system refuses what a sandbox needs."""

import errno
import stat
from pathlib import Path

from golem_vpn.exeunit.runtimes.messages import Failed


def explain(failure: Failed, device_node: Path) -> str:
    """Joins what failed and what helps."""
    remedy = cure(failure, device_node)
    return f"{failure.text}. {remedy}" if remedy else failure.text


def cure(failure: Failed, device_node: Path) -> str:
    """Names what helps against a failure; empty where nothing is known."""
    match failure.part:
        case "namespaces":
            return _namespaces_cure(failure.code)
        case "device":
            return _device_cure(failure.code, device_node)
        case "file-system" if failure.code == errno.EPERM:
            return (
                "In a container, show it all of /proc (docker: --privileged, or --security-opt systempaths=unconfined)"
            )
        case "file-system" if failure.code == errno.EACCES:
            return "The user of the daemon must be able to reach the data directory and the task package"
        case _:
            return ""


def _namespaces_cure(code: int) -> str:
    switches = (
        ("/proc/sys/kernel/unprivileged_userns_clone", "0", "1"),
        ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "0"),
        ("/proc/sys/user/max_user_namespaces", "0", "10000"),
    )
    for path, closed, opened in switches:
        switch = Path(path)
        if switch.exists() and switch.read_text().strip() == closed:
            name = path.removeprefix("/proc/sys/").replace("/", ".")
            return f"As root: sysctl -w {name}={opened} (and a line {name}={opened} in /etc/sysctl.d to keep it)"
    if code == errno.ENOSPC:
        return "As root: sysctl -w user.max_user_namespaces=10000"
    return "User namespaces are forbidden to this process: a container must allow them (docker: --privileged)"


def _device_cure(code: int, node: Path) -> str:
    if code in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return "As root: modprobe tun; in a container, run it with --device /dev/net/tun"
    if code == errno.ENOTTY:
        return f"{node} is no TUN device node; GOLEM_VPN_TUN_DEVICE names another one than /dev/net/tun"
    if code in (errno.EACCES, errno.EPERM) and node.exists():
        mode = stat.S_IMODE(node.stat().st_mode)
        return f"{node} has mode {mode:04o}. As root: chmod 0666 {node} (the device gives nobody any power by itself)"
    return ""
