import anyio
import pytest

from golem_vpn.net.dispatcher import MAX_RUNNING_PER_SENDER, Dispatcher
from golem_vpn.net.wire import BUSY, Answer, Message, Refusal, decode_reply, encode

pytestmark = pytest.mark.anyio


class Wait(Message, frozen=True):
    pass


class Nobody(Message, frozen=True):
    """A message that nobody handles."""


def test_a_message_has_one_handler() -> None:
    dispatcher = Dispatcher()

    @dispatcher.on(Wait)
    async def handle(_sender: str, _message: Wait) -> None:
        pass

    with pytest.raises(ValueError, match="already"):
        dispatcher.on(Wait)(handle)


async def test_without_handlers_every_message_is_unknown() -> None:
    dispatcher = Dispatcher()
    assert isinstance(decode_reply(await dispatcher.answer("alice", encode(Wait()))), Refusal)
    assert dispatcher.refused == {"invalid": 1}


async def test_what_comes_before_its_handler_waits_for_it_and_what_has_none_is_unknown_then() -> None:
    dispatcher = Dispatcher()
    dispatcher.expect_handlers()
    replies: dict[str, Answer | Refusal] = {}

    async def ask(message: Message) -> None:
        replies[type(message).__name__] = decode_reply(await dispatcher.answer("alice", encode(message)))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, Wait())
        tasks.start_soon(ask, Nobody())
        await anyio.wait_all_tasks_blocked()

        @dispatcher.on(Wait)
        async def handle(sender: str, _message: Wait) -> str:
            return sender

        assert replies == {}
        dispatcher.have_handlers()
    assert isinstance(replies["Wait"], Answer)
    assert isinstance(replies["Nobody"], Refusal)
    assert dispatcher.refused == {"invalid": 1}


async def test_one_sender_cannot_keep_others_out() -> None:
    dispatcher = Dispatcher()
    release = anyio.Event()

    @dispatcher.on(Wait)
    async def handle(sender: str, _message: Wait) -> str:
        if sender == "mallory":
            await release.wait()
        return sender

    async with anyio.create_task_group() as tasks:
        for _ in range(MAX_RUNNING_PER_SENDER):
            tasks.start_soon(dispatcher.answer, "mallory", encode(Wait()))
        await anyio.wait_all_tasks_blocked()
        refused = decode_reply(await dispatcher.answer("mallory", encode(Wait())))
        assert isinstance(refused, Refusal)
        assert refused.reason == BUSY
        assert isinstance(decode_reply(await dispatcher.answer("alice", encode(Wait()))), Answer)
        release.set()
    assert isinstance(decode_reply(await dispatcher.answer("mallory", encode(Wait()))), Answer)
    assert dispatcher.refused == {BUSY: 1}
