"""Makes a network of two daemons as quickly as the API takes it, and times that until the first answered ping."""

import contextlib
import http.client
import json
import os
import socket
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bench.wire import Host
from golem_vpn.cli.session import app_key, daemon_file
from golem_vpn.sdk.client import DAEMON, NET
from tests.lab.namespace import Namespace
from tests.lab.nodes import Node

ADDRESSES = ("10.97.0.2", "10.97.0.3")
INTERFACE = "vpn0"
PATIENCE = 30.0
BEAT = 0.001
ICMP_ECHO = 8
ICMP_ECHO_REPLY = 0
ECHO = struct.Struct("!BBHHH")
"""Type, code, checksum, identifier, sequence (RFC 792)."""


@dataclass(frozen=True, slots=True)
class Place:
    """A network with what its two members have in it."""

    network: str
    addresses: tuple[str, str]
    interface: str


FIRST = Place("10.97.0.0/24", ADDRESSES, INTERFACE)
NEXT = Place("10.96.0.0/24", ("10.96.0.2", "10.96.0.3"), "vpn1")


@dataclass(frozen=True, slots=True)
class Introduction:
    """Two daemons that were made members of a network, each with its machine attached."""

    network: str
    seconds: float
    """From the call that makes the network, through those that add and attach both, to the first answered ping."""


def introduce(left: Node, right: Node, place: Place = FIRST) -> Introduction:
    """Makes the network at the left daemon, and pings the right one from there.

    Raises:
        RuntimeError: a call failed, or no ping was answered.
    """
    node_ids = (left.node_id, right.node_id)
    with contextlib.closing(Calls(left)) as owner, contextlib.closing(Calls(right)) as member:
        began = time.monotonic()
        network: str = owner.post(NET, {"ip": place.network})["id"]
        for node_id, address in zip(node_ids, place.addresses, strict=True):
            owner.post(f"{NET}/{network}/nodes", {"id": node_id, "ip": address})
        for calls in (owner, member):
            body = {"networkId": network, "interface": place.interface}
            calls.post(f"{DAEMON}/attachments?timeout={PATIENCE}", body)
        _ping_until_answered(left.machine, place.addresses[1], began + PATIENCE)
        return Introduction(network, time.monotonic() - began)


def hosts_inside(nodes: Iterable[Node]) -> tuple[Host, Host]:
    """Gives both machines as hosts of their first network."""
    left, right = (Host(node.machine, address, INTERFACE) for node, address in zip(nodes, ADDRESSES, strict=True))
    return left, right


class Calls:
    """The API of a daemon, over one connection that was made before."""

    def __init__(self, node: Node) -> None:
        address = urlsplit(daemon_file(node.data_dir).api)
        assert address.hostname is not None
        self._connection = http.client.HTTPConnection(address.hostname, address.port)
        self._connection.sock = node.machine.call(socket.create_connection, (address.hostname, address.port), PATIENCE)
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._headers = {"Authorization": f"Bearer {app_key(node.data_dir)}", "Content-Type": "application/json"}

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Posts, and gives what is answered.

        Raises:
            RuntimeError: the daemon refused.
        """
        status, answer = self._post(path, body)
        if status >= http.HTTPStatus.BAD_REQUEST:
            raise RuntimeError(f"POST {path}: {status} {answer!r}")
        return json.loads(answer) if answer else None

    def _post(self, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        self._connection.request("POST", path, json.dumps(body), self._headers)
        with self._connection.getresponse() as response:
            return response.status, response.read()


def _ping_until_answered(machine: Namespace, address: str, deadline: float) -> None:
    """Sends an echo request each millisecond, by a socket of its own: a program would take longer to start."""
    request = _echo_request(os.getpid() & 0xFFFF)
    with machine.call(socket.socket, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as pinger:
        pinger.settimeout(BEAT)
        while time.monotonic() < deadline:
            # There may be no route yet.
            with contextlib.suppress(OSError):
                pinger.sendto(request, (address, 0))
            with contextlib.suppress(TimeoutError):
                packet, (source, _) = pinger.recvfrom(1500)
                if source == address and packet[4 * (packet[0] & 0xF)] == ICMP_ECHO_REPLY:
                    return
    raise RuntimeError(f"{address} never answered a ping")


def _echo_request(identifier: int) -> bytes:
    checksum = ~(sum(_words(ECHO.pack(ICMP_ECHO, 0, 0, identifier, 1))) % 0xFFFF) & 0xFFFF
    return ECHO.pack(ICMP_ECHO, 0, checksum, identifier, 1)


def _words(packet: bytes) -> tuple[int, ...]:
    return struct.unpack(f"!{len(packet) // 2}H", packet)
