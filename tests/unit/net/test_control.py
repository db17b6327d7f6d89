from pathlib import Path

import anyio
import msgspec
import pytest

from golem_vpn.errors import Conflict, Forbidden, GolemVpnError, InvalidInput, NotFound, PeerRefused, PeerUnreachable
from golem_vpn.net.memory import MemoryWire
from golem_vpn.net.record import Candidate, KnownRecord
from golem_vpn.net.wire import (
    Message,
    Refusal,
    decode_hello,
)
from tests.unit.net.kit import Echo, Node, Shout, echoing, eventually, make_node, raw, running

pytestmark = pytest.mark.anyio


async def test_a_request_is_answered_to_a_node_that_proved_who_it_is(alice: Node, bob: Node) -> None:
    alice.knows(bob)
    async with running(alice, bob):
        assert await alice.control.request(bob.id, Shout("hey"), Echo) == Echo(alice.id, "hey")
    assert bob.endpoint.authorized == {alice.endpoint.endpoint_id: (alice.id, alice.endpoint.addresses)}
    assert alice.endpoint.authorized == {bob.endpoint.endpoint_id: (bob.id, bob.endpoint.addresses)}
    assert bob.control.book.find(alice.id) is not None


async def test_a_node_answers_to_each_of_its_identities_and_to_itself(alice: Node, bob: Node) -> None:
    second = bob.control.identities.create("second").node_id
    alice.knows(bob)
    async with running(alice, bob):
        assert (await alice.control.request(second, Shout("hey"), Echo)).sender == alice.id
        assert (await bob.control.request(second, Shout("me"), Echo)).sender == bob.id


async def test_who_proves_which_identities(alice: Node, bob: Node) -> None:
    second = alice.control.identities.create("second").node_id
    bob.knows(alice)
    assert bob.control.proves(alice.id, alice.id)
    assert bob.control.proves(alice.id, second)
    assert bob.control.proves(bob.id, bob.id)
    assert not bob.control.proves(alice.id, bob.id)
    assert not bob.control.proves(bob.id, alice.id)
    assert not bob.control.proves("0x" + "c" * 40, "0x" + "c" * 40)


@pytest.mark.parametrize(
    ("raised", "heard"),
    [
        (InvalidInput("no"), InvalidInput),
        (Forbidden("no"), Forbidden),
        (NotFound("no"), NotFound),
        (Conflict("no"), Conflict),
        (PeerUnreachable("no"), PeerRefused),
        (GolemVpnError("no"), PeerRefused),
    ],
)
async def test_a_refusal_keeps_its_class(
    wire: MemoryWire, tmp_path: Path, alice: Node, raised: GolemVpnError, heard: type[GolemVpnError]
) -> None:
    carol = make_node(wire, tmp_path, "carol")

    @carol.control.on(Shout)
    async def refuse(_sender: str, _message: Shout) -> None:
        raise raised

    alice.knows(carol)
    async with running(alice, carol):
        with pytest.raises(heard) as caught:
            await alice.control.request(carol.id, Shout("hey"), Echo)
    assert type(caught.value) is heard
    assert caught.value.message == "no"


async def test_a_failing_handler_tells_nothing_of_itself(wire: MemoryWire, tmp_path: Path, alice: Node) -> None:
    carol = make_node(wire, tmp_path, "carol")

    @carol.control.on(Shout)
    async def fail(_sender: str, _message: Shout) -> None:
        raise RuntimeError("a secret")

    alice.knows(carol)
    async with running(alice, carol):
        with pytest.raises(PeerRefused, match="internal error") as caught:
            await alice.control.request(carol.id, Shout("hey"), Echo)
    assert "secret" not in caught.value.message


class Unheard(Message, frozen=True):
    text: str


async def test_unknown_and_malformed_messages_are_refused_and_counted(alice: Node, bob: Node) -> None:
    alice.knows(bob)
    async with running(alice, bob):
        with pytest.raises(InvalidInput, match="unknown or malformed"):
            await alice.control.request(bob.id, Unheard("hey"), Echo)
        for garbage in (b"", b"\xff" * 10, msgspec.msgpack.encode({"type": "shout", "text": 5}), b"\x91" * 100_000):
            assert isinstance(await raw(alice, bob, garbage), Refusal)
    assert bob.control.refused == {"invalid": 5}


async def test_an_answer_of_another_type_is_refused(alice: Node, bob: Node) -> None:
    alice.knows(bob)
    async with running(alice, bob):
        with pytest.raises(PeerRefused, match="malformed"):
            await alice.control.request(bob.id, Shout("hey"), int)


async def test_who_is_unknown_silent_or_offline_is_unreachable(
    wire: MemoryWire, alice: Node, bob: Node, tmp_path: Path
) -> None:
    with pytest.raises(PeerUnreachable, match="nobody knows"):
        await alice.control.request(bob.id, Shout("hey"), Echo)
    alice.knows(bob)
    with pytest.raises(PeerUnreachable, match=r"did not answer|no answer"):
        await alice.control.request(bob.id, Shout("hey"), Echo, timeout=0.05)
    await bob.endpoint.close()
    with pytest.raises(PeerUnreachable, match="no endpoint"):
        await alice.control.request(bob.id, Shout("hey"), Echo)


async def test_a_node_that_restarted_elsewhere_is_found_again(
    wire: MemoryWire, tmp_path: Path, alice: Node, bob: Node
) -> None:
    alice.knows(bob)
    async with running(alice, bob):
        await alice.control.request(bob.id, Shout("hey"), Echo)
        await bob.endpoint.close()
        again = echoing(make_node(wire, tmp_path, "bob", started=bob.record.issued_at))

        async def look_up(node_id: str) -> KnownRecord:
            assert node_id == again.id
            alice.knows(again)
            return again.control.own_record.current()

        alice.control.lookup = look_up
        async with running(again):
            assert await alice.control.request(bob.id, Shout("again"), Echo) == Echo(alice.id, "again")


async def test_a_node_that_restarted_and_forgot_gets_a_new_hello(
    wire: MemoryWire, tmp_path: Path, alice: Node, bob: Node
) -> None:
    alice.knows(bob)
    async with running(alice, bob):
        await alice.control.request(bob.id, Shout("hey"), Echo)
        boot = bob.record.boot_id
        again = echoing(make_node(wire, tmp_path, "bob", started=bob.record.issued_at))
        again.endpoint.addresses = bob.endpoint.addresses
        async with running(again):
            assert await alice.control.request(bob.id, Shout("again"), Echo) == Echo(alice.id, "again")
    known = alice.control.book.find(bob.id)
    assert known is not None
    assert known.record.boot_id not in (b"", boot)


async def test_a_message_that_may_have_arrived_is_not_sent_twice(alice: Node, bob: Node) -> None:
    alice.knows(bob)
    sent: list[bytes] = []

    def lose(message: bytes) -> bool:
        sent.append(message)
        return decode_hello(message) is None

    async with running(alice, bob):
        alice.endpoint.lose = lose
        with pytest.raises(PeerUnreachable, match="lost"):
            await alice.control.request(bob.id, Shout("hey"), Echo)
    assert sum(decode_hello(message) is None for message in sent) == 1


async def test_presence_follows_the_connection(wire: MemoryWire, alice: Node, bob: Node) -> None:
    alice.knows(bob)
    heard: list[tuple[str, bool]] = []
    bob.control.on_presence(lambda node_id, connected: heard.append((node_id, connected)))
    async with running(alice, bob):
        await alice.control.connect(bob.id)
        await eventually(lambda: alice.id in bob.control.connected)
        wire.cut(alice.endpoint, bob.endpoint)
        await eventually(lambda: alice.id not in bob.control.connected)
        with pytest.raises(PeerUnreachable):
            await alice.control.connect(bob.id)
        wire.mend(alice.endpoint, bob.endpoint)
        await alice.control.connect(bob.id)
        await eventually(lambda: heard == [(alice.id, True), (alice.id, False), (alice.id, True)])


async def test_new_addresses_are_told_to_connected_nodes(
    alice: Node, bob: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("golem_vpn.net.announcing.CHECK_SECONDS", 0.01)
    alice.knows(bob)
    async with running(alice, bob):
        await alice.control.connect(bob.id)
        await eventually(lambda: bob.id in alice.control.connected)
        told = anyio.Event()
        bob.control.book.on_change(lambda _old, _new: told.set())
        alice.packet_addresses.append(Candidate("127.0.0.1:2", "reflected"))
        with anyio.fail_after(5):
            await told.wait()
    known = bob.control.book.find(alice.id)
    assert known is not None
    assert known.record.packet_addresses == (
        Candidate("127.0.0.1:1", "interface"),
        Candidate("127.0.0.1:2", "reflected"),
    )
