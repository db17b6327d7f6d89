from pathlib import Path

import anyio
import pytest

from golem_vpn.net.announcing import CHECK_SECONDS, MAX_DOUBLINGS, QUICK_CHANGES, pause_after
from golem_vpn.net.memory import MemoryWire
from golem_vpn.net.record import Candidate
from golem_vpn.net.wire import decode_hello
from tests.unit.net.kit import Node, eventually, make_node, running

pytestmark = pytest.mark.anyio


def test_a_move_is_told_at_once_and_flapping_less_and_less_often() -> None:
    assert pause_after(0) == pause_after(QUICK_CHANGES) == CHECK_SECONDS
    assert pause_after(QUICK_CHANGES + 1) == 2 * CHECK_SECONDS
    assert pause_after(1000) == CHECK_SECONDS * 2**MAX_DOUBLINGS


async def test_a_new_address_reaches_a_connected_node_within_a_second(alice: Node, bob: Node) -> None:
    alice.knows(bob)
    async with running(alice, bob):
        await alice.control.connect(bob.id)
        await eventually(lambda: bob.id in alice.control.connected)
        alice.packet_addresses.append(Candidate("198.51.100.1:4000", "reflected"))
        with anyio.fail_after(1):
            while not any(it.address == "198.51.100.1:4000" for it in _known(bob, alice)):
                await anyio.sleep(0.01)


async def test_a_silent_node_does_not_hold_up_the_next_change(
    wire: MemoryWire, tmp_path: Path, alice: Node, bob: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("golem_vpn.net.announcing.CHECK_SECONDS", 0.01)
    silent = make_node(wire, tmp_path, "silent")
    alice.knows(bob, silent)
    hellos: list[bytes] = []

    def count(message: bytes) -> bool:
        if decode_hello(message):
            hellos.append(message)
        return False

    async with running(alice, bob), anyio.create_task_group() as tasks:
        async with running(silent):
            await alice.control.connect(silent.id)
            await eventually(lambda: silent.id in alice.control.connected)
        await alice.control.connect(bob.id)
        await eventually(lambda: bob.id in alice.control.connected)
        alice.endpoint.lose = count
        for port in (1001, 1002):
            alice.packet_addresses.append(Candidate(f"198.51.100.1:{port}", "reflected"))
            await eventually(lambda port=port: any(it.address.endswith(f":{port}") for it in _known(bob, alice)))  # type: ignore[misc]
        assert len(hellos) == 4
        tasks.cancel_scope.cancel()


def _known(node: Node, other: Node) -> tuple[Candidate, ...]:
    known = node.control.book.find(other.id)
    return known.record.packet_addresses if known else ()
