"""Two hosts on one machine: network namespaces joined by a wire."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from tests.lab.namespace import Namespace
from tests.lab.wire import join

MTU = 1500
VETH = "veth"
NIC = "NIC-like"


@dataclass(frozen=True, slots=True)
class Host:
    """A network namespace with one address on the wire."""

    machine: Namespace
    address: str
    interface: str


@dataclass(frozen=True, slots=True)
class Wire:
    """The two hosts; traffic flows from `left` to `right`, and back where a measure says so."""

    left: Host
    right: Host

    @property
    def hosts(self) -> tuple[Host, Host]:
        """Both, the left one first."""
        return self.left, self.right


@contextmanager
def veth() -> Iterator[Wire]:
    """Makes two hosts on a plain veth, which carries offloaded packets whole, and removes them afterwards."""
    machines = []
    try:
        for side in ("left", "right"):
            machines.append(Namespace(f"gvb{os.getpid()}-{side}"))
        left, right = (Host(machine, f"10.99.0.{number}", "wire0") for number, machine in enumerate(machines, start=1))
        join((left.machine, left.interface), (right.machine, right.interface))
        for host in (left, right):
            host.machine.ip(f"address add {host.address}/24 dev {host.interface}")
        yield Wire(left, right)
    finally:
        for machine in machines:
            machine.delete()


@contextmanager
def nic_like() -> Iterator[Wire]:
    """Makes two hosts on a veth that takes UDP apart before it sends, as behind most network cards.

    Datagrams that were sent as one train cross one by one. TCP of the bare wire still crosses in large segments.
    """
    with veth() as wire:
        for host in wire.hosts:
            host.machine.run("ethtool", "-K", host.interface, "tx-udp-segmentation", "off")
        yield wire


WIRES: dict[str, Callable[[], AbstractContextManager[Wire]]] = {VETH: veth, NIC: nic_like}
