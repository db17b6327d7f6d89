import hashlib
from pathlib import Path

import anyio
import pytest

from golem_vpn.errors import Conflict, Gone, InvalidInput, NotFound, PeerUnreachable
from golem_vpn.files.messages import CHUNK_BYTES, BeginFile, FinishFile, WriteFile
from golem_vpn.files.urls import GftpUrl
from tests.unit.files.kit import Town, introduce, leftovers, noise

pytestmark = pytest.mark.anyio

CONTENT = noise(8 * CHUNK_BYTES + 7)
DIGEST = hashlib.sha3_256(CONTENT).hexdigest()


async def test_a_published_file_is_fetched(town: Town) -> None:
    async with town.pair() as (alice, bob):
        [offered] = await alice.files.publish(alice.id, [alice.write("file", CONTENT)])
        told: list[int] = []
        await bob.fetcher.download(offered.url, bob.home / "copy", lambda done, _total: told.append(done))
        assert (bob.home / "copy").read_bytes() == CONTENT
        assert told == sorted(told)
        assert told[-1] == len(CONTENT)
        # A node fetches from itself in the same way.
        await alice.fetcher.download(offered.url, alice.home / "copy")
        assert (alice.home / "copy").read_bytes() == CONTENT


async def test_a_file_that_changed_is_not_given(town: Town) -> None:
    async with town.pair() as (alice, bob):
        path = alice.write("file", CONTENT)
        [offered, same] = await alice.files.publish(alice.id, [path, path])
        assert offered.url != same.url
        path.write_bytes(b"changed")
        with pytest.raises(Gone, match="has changed"):
            await bob.fetcher.download(offered.url, bob.home / "copy")
        path.unlink()
        with pytest.raises(Gone, match="No such file"):
            await bob.fetcher.download(same.url, bob.home / "copy")
        assert leftovers(bob.home) == []


async def test_a_file_may_be_limited(town: Town) -> None:
    async with town.pair() as (alice, bob):
        [offered] = await alice.files.publish(alice.id, [alice.write("file", CONTENT)])
        with pytest.raises(InvalidInput, match="100 are allowed"):
            await bob.fetcher.download(offered.url, bob.home / "copy", limit=100)


async def test_a_file_is_handed_over(town: Town) -> None:
    async with town.pair() as (alice, bob):
        awaited = await alice.files.receive(alice.id, alice.home / "result")
        source = bob.write("source", CONTENT)
        told: list[int] = []
        for _ in range(2):
            await bob.fetcher.upload(source, awaited.url, lambda done, _total: told.append(done))
        # The second time everything is there already.
        assert told[-2:] == [len(CONTENT)] * 2
        assert (alice.home / "result").read_bytes() == CONTENT
        assert leftovers(alice.home) == []
        empty = bob.write("empty", b"")
        await bob.fetcher.upload(empty, awaited.url)
        assert (alice.home / "result").read_bytes() == b""


async def test_handing_over_goes_on_where_it_ended(town: Town) -> None:
    async with town.pair() as (alice, bob):
        awaited = await alice.files.receive(alice.id, alice.home / "result")
        source = bob.write("source", CONTENT)

        def cut(done: int, _total: int | None) -> None:
            if done >= 2 * CHUNK_BYTES:
                town.cut(alice, bob)

        with pytest.raises(PeerUnreachable):
            await bob.fetcher.upload(source, awaited.url, cut)
        assert not (alice.home / "result").exists()
        town.mend(alice, bob)
        begun: list[int] = []
        await bob.fetcher.upload(source, awaited.url, lambda done, _total: begun.append(done))
        assert begun[0] >= 2 * CHUNK_BYTES
        assert (alice.home / "result").read_bytes() == CONTENT


async def test_urls_survive_a_restart_of_their_owner(town: Town) -> None:
    async with town.house("bob") as bob:
        async with town.house("alice") as alice:
            path = alice.write("file", CONTENT)
            [published] = await alice.files.publish(alice.id, [path])
            awaited = await alice.files.receive(alice.id, alice.home / "result")
        async with town.house("alice") as alice:
            introduce(alice, bob)
            assert alice.files.offered(alice.id) == [published, awaited]
            await bob.fetcher.download(published.url, bob.home / "copy")
            await bob.fetcher.upload(bob.home / "copy", awaited.url)
        assert (alice.home / "result").read_bytes() == CONTENT


async def test_an_owner_that_forgot_what_was_begun_is_told_again(town: Town) -> None:
    async with town.pair() as (alice, bob):
        awaited = await alice.files.receive(alice.id, alice.home / "result")
        place = GftpUrl.parse(awaited.url)
        with pytest.raises(Conflict, match="begun first"):
            await bob.node.control.request(alice.id, WriteFile(*place, DIGEST, 0, b"x"), type(None))
        with pytest.raises(Conflict, match="begun first"):
            await bob.node.control.request(alice.id, FinishFile(*place, DIGEST), type(None))


async def test_parts_that_come_in_any_order(town: Town) -> None:
    async with town.pair() as (alice, bob):
        awaited = await alice.files.receive(alice.id, alice.home / "result")
        owner, name = GftpUrl.parse(awaited.url)
        content = b"0123456789"
        digest = hashlib.sha3_256(content).hexdigest()

        async def write(offset: int, end: int) -> None:
            message = WriteFile(owner, name, digest, offset, content[offset:end])
            await bob.node.control.request(alice.id, message, type(None))

        assert await bob.node.control.request(alice.id, BeginFile(owner, name, 10, digest), int) == 0
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(write, 6, 10)
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(write, 2, 6)
            await anyio.wait_all_tasks_blocked()
            await write(0, 2)
        await write(2, 6)
        with pytest.raises(Conflict, match="begun first"):
            await bob.node.control.request(alice.id, FinishFile(owner, name, "0" * 64), type(None))
        await bob.node.control.request(alice.id, FinishFile(owner, name, digest), type(None))
        assert (alice.home / "result").read_bytes() == content


async def test_urls_that_lead_nowhere(town: Town, tmp_path: Path) -> None:
    async with town.pair() as (alice, bob):
        nothing = f"gftp://{alice.id}/{'0' * 64}"
        source = bob.write("source", b"x")
        with pytest.raises(NotFound, match="no file is published"):
            await bob.fetcher.download(nothing, bob.home / "copy")
        with pytest.raises(NotFound, match="no file is awaited"):
            await bob.fetcher.upload(source, nothing)
        with pytest.raises(NotFound, match="there is no file"):
            await bob.fetcher.upload(tmp_path / "missing", nothing)
        for bad in ("gftp://somebody/x", f"gftp://{alice.id}/", f"gftp://{alice.id}/../x", "gftp:x"):
            with pytest.raises(InvalidInput, match="is not gftp"):
                await bob.fetcher.download(bad, bob.home / "copy")
        with pytest.raises(InvalidInput, match="one of the schemes"):
            await bob.fetcher.download("ftp://example.org/x", bob.home / "copy")
