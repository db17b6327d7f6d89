from pathlib import Path

import anyio
import msgspec
import pytest

from golem_vpn.errors import PeerRefused
from golem_vpn.net.memory import MemoryWire
from golem_vpn.net.record import SignedRecord, sign
from golem_vpn.net.wire import (
    HELLO_FIRST,
    Hello,
    Refusal,
    Welcome,
    decode_hello,
    encode,
    encode_answer,
)
from tests.unit.net.kit import Echo, Node, Shout, make_node, raw, running

pytestmark = pytest.mark.anyio


async def test_nothing_is_answered_before_the_hello(alice: Node, bob: Node) -> None:
    async with running(bob):
        for message in (encode(Shout("hey")), b"", b"garbage", b"\xc1" * 1000):
            reply = await raw(alice, bob, message)
            assert isinstance(reply, Refusal)
            assert reply.reason == HELLO_FIRST
    assert bob.control.refused == {HELLO_FIRST: 4}
    assert bob.endpoint.authorized == {}


def forgeries(alice: Node, mallory: Node) -> list[SignedRecord]:
    mine = mallory.control.own_record.current()
    claimed = msgspec.structs.replace(mine.record, node_id=alice.id, identities=(alice.id,))
    old = msgspec.structs.replace(mine.record, issued_at=0)
    return [
        SignedRecord(mine.signed.body, ()),
        SignedRecord(mine.signed.body, (b"\0" * 65,)),
        SignedRecord(b"", mine.signed.signatures),
        SignedRecord(msgspec.msgpack.encode(claimed), mine.signed.signatures),
        SignedRecord(b"\0" * 100_000, mine.signed.signatures),
        alice.control.own_record.current().signed,
        sign(old, mallory.control.identities).signed,
    ]


@pytest.mark.parametrize("number", range(7))
async def test_a_hello_that_proves_nothing_is_refused(
    wire: MemoryWire, tmp_path: Path, alice: Node, bob: Node, number: int
) -> None:
    mallory = make_node(wire, tmp_path, "mallory")
    hello = encode(Hello(forgeries(alice, mallory)[number]))
    async with running(bob):
        reply = await raw(mallory, bob, hello)
    assert isinstance(reply, Refusal)
    assert reply.reason == "invalid"
    assert bob.endpoint.authorized == {}
    assert bob.control.refused == {"invalid": 1}


@pytest.mark.parametrize("number", range(7))
async def test_a_welcome_that_proves_nothing_is_refused(
    wire: MemoryWire, tmp_path: Path, alice: Node, bob: Node, number: int
) -> None:
    mallory = make_node(wire, tmp_path, "mallory")
    welcome = encode_answer(Welcome(forgeries(alice, mallory)[number]))
    bob.knows(mallory)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(answer_everything, mallory, welcome)
        with pytest.raises(PeerRefused, match="prove"):
            await bob.control.request(mallory.id, Shout("hey"), Echo)
        tasks.cancel_scope.cancel()
    assert bob.endpoint.authorized == {}


async def test_whoever_answers_must_be_the_node_that_was_meant(alice: Node, bob: Node) -> None:
    async with running(bob):
        with pytest.raises(PeerRefused, match="expected"):
            await alice.control.introduce(bob.endpoint.endpoint_id, bob.endpoint.addresses, alice.id, timeout=5)


async def test_many_requests_at_once_say_hello_once(alice: Node, bob: Node) -> None:
    alice.knows(bob)
    hellos: list[bytes] = []

    def listen(message: bytes) -> bool:
        if decode_hello(message):
            hellos.append(message)
        return False

    alice.endpoint.lose = listen
    async with running(alice, bob), anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(alice.control.request, bob.id, Shout("hey"), Echo)
    assert len(hellos) == 1


async def test_a_new_endpoint_key_ends_the_right_of_the_old_one(
    wire: MemoryWire, tmp_path: Path, alice: Node, bob: Node
) -> None:
    alice.knows(bob)
    async with running(alice, bob):
        await alice.control.connect(bob.id)
        moved = sign(
            msgspec.structs.replace(bob.record, endpoint_id=b"m" * 32, issued_at=bob.record.issued_at + 1),
            bob.control.identities,
        )
        alice.control.book.learn(moved.signed)
        assert alice.endpoint.authorized == {}
        reply = await raw(bob, alice, encode(Shout("hey")))
        assert isinstance(reply, Refusal)


async def answer_everything(node: Node, reply: bytes) -> None:
    while True:
        (await node.endpoint.accept()).respond(reply)
