"""Those who mean ill, among real daemons: whoever is in between, an expelled node, a stranger."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from time import monotonic, sleep

import pytest

from golem_vpn.errors import NotFound
from tests.lab.nodes import Node, Nodes
from tests.lab.pulse import Pulse
from tests.lab.sites import PUBLIC
from tests.lab.stage import ADDRESSES, Stage, stage
from tests.lab.tap import PAYLOAD, Tap, with_payload
from tests.net.summary import Summary

pytestmark = [
    pytest.mark.network,
    pytest.mark.timeout(180),
    pytest.mark.root,
]

DATA_PORT = 11501
PORT = 7100
OVERHEAD = 32
INNER_HEADERS = 28
SECRET = b"what only the two of them may know"
SETTLING = 0.5
CUT_SECONDS = 3.0
"""A second is what it should take; the rest is for a busy machine."""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Two machines in the internet that talk."""
    with stage(tmp_path_factory.mktemp("nodes"), (PUBLIC, PUBLIC)) as made:
        with Pulse(made.nodes[0].machine, ADDRESSES[1]) as pulse:
            pulse.wait_steady()
        made.wait_path("direct")
        yield made


@pytest.fixture
def tap(pair: Stage) -> Iterator[Tap]:
    """Somebody on the wire to the second machine."""
    with Tap(pair.lab.internet, pair.sites[1].line) as made:
        yield made


@pytest.fixture
def letters(pair: Stage) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Sockets of the two machines in their network."""
    near, far = (node.machine.call(socket.socket, socket.AF_INET, socket.SOCK_DGRAM) for node in pair.nodes)
    with closing(near), closing(far):
        near.connect((ADDRESSES[1], PORT))
        far.bind((ADDRESSES[1], PORT))
        far.settimeout(SETTLING)
        yield near, far


def test_who_carries_packets_learns_neither_what_they_say_nor_for_whom_inside(
    pair: Stage, tap: Tap, letters: tuple[socket.socket, socket.socket]
) -> None:
    near, far = letters
    near.send(SECRET)
    assert far.recv(100) == SECRET
    sealed(tap, pair)
    captured = b"".join(tap.frames)
    assert SECRET not in captured
    assert not any(socket.inet_aton(address) in captured for address in ADDRESSES)


def test_what_is_replayed_is_dropped_and_counted(
    pair: Stage, tap: Tap, letters: tuple[socket.socket, socket.socket]
) -> None:
    near, far = letters
    near.send(SECRET)
    assert far.recv(100) == SECRET
    frame = sealed(tap, pair)
    for _ in range(5):
        tap.send(with_payload(frame, frame[PAYLOAD:]))
    with pytest.raises(TimeoutError):
        far.recv(100)
    assert drops(pair.nodes[1])["replayed"] >= 5
    near.send(b"and on")
    assert far.recv(100) == b"and on"


def test_what_is_forged_is_dropped_and_counted(
    pair: Stage, tap: Tap, letters: tuple[socket.socket, socket.socket]
) -> None:
    near, far = letters
    near.send(SECRET)
    assert far.recv(100) == SECRET
    genuine = sealed(tap, pair)
    payload = genuine[PAYLOAD:]
    later = int.from_bytes(payload[8:16], "little") + 1000
    body = bytearray(payload[16:])
    body[0] ^= 1
    for forged in (
        payload[:8] + later.to_bytes(8, "little") + payload[16:],
        payload[:8] + later.to_bytes(8, "little") + bytes(body),
        payload[:8] + later.to_bytes(8, "little") + bytes(len(body)),
    ):
        tap.send(with_payload(genuine, forged))
    with pytest.raises(TimeoutError):
        far.recv(100)
    assert drops(pair.nodes[1])["forged"] >= 3
    near.send(b"and on")
    assert far.recv(100) == b"and on"


def test_an_expelled_node_is_cut_at_once_until_it_is_admitted(pair: Stage, summary: Summary) -> None:
    outcast = pair.nodes[0]
    with Pulse(outcast.machine, ADDRESSES[1]) as pulse:
        pulse.wait_steady()
        asked = monotonic()
        pair.hub.ask(lambda client: client.hub.expel(outcast.node_id))
        sleep(CUT_SECONDS + 1)
        cut = pulse.last_arrival() - asked
        pair.hub.ask(lambda client: client.hub.admit(outcast.node_id))
        pulse.wait_steady()
    summary("expulsion", f"nothing came through {max(cut, 0):.2f} s after the call began")
    assert cut < CUT_SECONDS


def test_a_member_of_the_hub_is_a_stranger_to_networks_that_it_is_not_in(
    pair: Stage, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with ExitStack() as stack:
        nodes = Nodes(tmp_path_factory.mktemp("strangers"), stack)
        [stranger] = nodes.join(pair.hub, {pair.lab.site(PUBLIC).machine: ()})
        with pytest.raises(NotFound):
            stranger.ask(lambda client: client.attach(pair.network))
        with pytest.raises(LookupError):
            pair.nodes[0].peer(stranger)


def sealed(tap: Tap, pair: Stage) -> bytes:
    """Gives the frame in which the secret went by."""
    length = OVERHEAD + INNER_HEADERS + len(SECRET)
    return tap.datagrams(pair.sites[1].public_address, DATA_PORT, length)[-1]


def drops(node: Node) -> dict[str, int]:
    """Gives a node's counts of dropped packets."""
    counts: dict[str, int] = node.ask(lambda client: client.status())["drops"]
    return counts
