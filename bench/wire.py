"""Two hosts on one machine: network namespaces joined by a veth pair."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

MTU = 1500


@dataclass(frozen=True, slots=True)
class Host:
    """A network namespace with one address on the wire."""

    namespace: str
    address: str
    interface: str

    def command(self, arguments: Sequence[str]) -> list[str]:
        """Gives the command line that runs `arguments` in this namespace."""
        return ["ip", "netns", "exec", self.namespace, *arguments]

    def run(self, *arguments: str, timeout: float = 60) -> str:
        """Runs a program here to its end and gives its output.

        Raises:
            subprocess.CalledProcessError: it failed; its error output is in the exception.
        """
        return run(*self.command(arguments), timeout=timeout)


@dataclass(frozen=True, slots=True)
class Wire:
    """The two hosts; traffic flows from `left` to `right`."""

    left: Host
    right: Host


def run(*arguments: str, timeout: float = 60) -> str:
    """Runs a program to its end and gives its output."""
    finished = subprocess.run(arguments, capture_output=True, text=True, timeout=timeout)
    try:
        finished.check_returncode()
    except subprocess.CalledProcessError as error:
        error.add_note(finished.stderr)
        raise
    return finished.stdout


@contextmanager
def plain_veth() -> Iterator[Wire]:
    """Makes the two hosts and removes them afterwards."""
    tag = f"gvb{os.getpid()}"
    left = Host(f"{tag}-l", "10.99.0.1", f"{tag}l"[:15])
    right = Host(f"{tag}-r", "10.99.0.2", f"{tag}r"[:15])
    try:
        for host in (left, right):
            run("ip", "netns", "add", host.namespace)
        run("ip", "link", "add", left.interface, "mtu", str(MTU), "type", "veth", "peer", "name", right.interface)
        for host in (left, right):
            run("ip", "link", "set", host.interface, "netns", host.namespace)
            host.run("ip", "address", "add", f"{host.address}/24", "dev", host.interface)
            host.run("ip", "link", "set", host.interface, "up")
            host.run("ip", "link", "set", "lo", "up")
        yield Wire(left, right)
    finally:
        for host in (left, right):
            subprocess.run(["ip", "netns", "delete", host.namespace], check=False, capture_output=True)
