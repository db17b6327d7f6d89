"""Two hosts on one machine: network namespaces joined by a wire."""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from tests.lab.namespace import Namespace
from tests.lab.wire import End, join
from tests.lab.wire import Wire as Bridge

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

    @property
    def ends(self) -> tuple[End, End]:
        """Where it is plugged in."""
        return (self.left.machine, self.left.interface), (self.right.machine, self.right.interface)


@contextmanager
def veth() -> Iterator[Wire]:
    """Makes two hosts on a plain veth, which carries offloaded packets whole, and removes them afterwards."""
    with _hosts() as wire:
        join(*wire.ends)
        _address(wire)
        yield wire


@contextmanager
def long_way() -> Iterator[tuple[Wire, Bridge]]:
    """Makes two hosts joined by the laboratory's bridge, which does no harm yet, and removes them afterwards."""
    with _hosts() as wire:
        bridge = Bridge(*wire.ends)
        try:
            _address(wire)
            yield wire, bridge
        finally:
            bridge.close()


@contextmanager
def nic_like() -> Iterator[Wire]:
    """Makes two hosts on a veth that takes UDP apart before it sends, as behind most network cards.

    Datagrams that were sent as one train cross one by one. TCP of the bare wire still crosses in large segments.
    """
    with veth() as wire:
        for host in wire.hosts:
            host.machine.run("ethtool", "-K", host.interface, "tx-udp-segmentation", "off")
        yield wire


_pairs = itertools.count(1)
WIRES: dict[str, Callable[[], AbstractContextManager[Wire]]] = {VETH: veth, NIC: nic_like}


@contextmanager
def _hosts() -> Iterator[Wire]:
    """Makes two hosts that nothing joins yet."""
    hosts: list[Host] = []
    pair = next(_pairs)
    try:
        for number, side in enumerate(("left", "right"), start=1):
            hosts.append(Host(Namespace(f"gvb{os.getpid()}-{pair}-{side}"), f"10.99.0.{number}", "wire0"))
        yield Wire(*hosts)
    finally:
        for host in hosts:
            host.machine.delete()


def _address(wire: Wire) -> None:
    for host in wire.hosts:
        host.machine.ip(f"address add {host.address}/24 dev {host.interface}")
