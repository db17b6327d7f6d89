import hashlib
from pathlib import Path

import pytest

from golem_vpn.errors import InvalidInput, NotFound, PeerUnreachable, TransferFailed
from golem_vpn.files.messages import CHUNK_BYTES, BlobChunk, ReadBlob
from tests.unit.files.kit import House, Town, leftovers, noise

pytestmark = pytest.mark.anyio

CHUNKS = 9
CONTENT = noise((CHUNKS - 1) * CHUNK_BYTES + 5)
DIGEST = hashlib.sha3_224(CONTENT).hexdigest()


def keep(house: House, content: bytes = CONTENT) -> Path:
    path = house.write("blob", content)
    house.blobs.register(lambda digest: path if digest == DIGEST else None)
    return path


async def test_a_blob_comes_whole_and_its_progress_is_told(town: Town) -> None:
    async with town.pair() as (alice, bob):
        keep(alice)
        told: list[tuple[int, int | None]] = []
        await bob.blobs.fetch(alice.id, DIGEST, bob.home / "copy", lambda done, total: told.append((done, total)))
        assert (bob.home / "copy").read_bytes() == CONTENT
        assert told == [(min(index * CHUNK_BYTES, len(CONTENT)), len(CONTENT)) for index in range(CHUNKS + 1)]
        assert leftovers(bob.home) == []


async def test_an_empty_blob(town: Town) -> None:
    async with town.pair() as (alice, bob):
        empty = alice.write("empty", b"")
        alice.blobs.register(lambda digest: empty)
        await bob.blobs.fetch(alice.id, hashlib.sha3_256(b"").hexdigest(), bob.home / "copy")
        assert (bob.home / "copy").read_bytes() == b""


async def test_what_nobody_has(town: Town) -> None:
    async with town.pair() as (alice, bob):
        keep(alice)
        with pytest.raises(NotFound, match="nothing with the digest"):
            await bob.blobs.fetch(alice.id, "0" * 56, bob.home / "copy")
        with pytest.raises(InvalidInput, match="hex digits"):
            await bob.blobs.fetch(alice.id, "../../etc/passwd", bob.home / "copy")
        assert list(bob.home.iterdir()) == []


async def test_a_blob_that_is_something_else_is_thrown_away(town: Town) -> None:
    async with town.pair() as (alice, bob):
        keep(alice, CONTENT[:-1] + b"\0")
        with pytest.raises(TransferFailed, match="not what was asked for"):
            await bob.blobs.fetch(alice.id, DIGEST, bob.home / "copy")
        assert list(bob.home.iterdir()) == []


async def test_a_fetch_goes_on_where_a_lost_connection_ended_it(town: Town) -> None:
    async with town.pair() as (alice, bob):
        keep(alice)

        def cut(done: int, _total: int | None) -> None:
            if done >= 2 * CHUNK_BYTES:
                town.cut(alice, bob)

        with pytest.raises(PeerUnreachable):
            await bob.blobs.fetch(alice.id, DIGEST, bob.home / "copy", cut)
        assert len(leftovers(bob.home)) == 1
        assert not (bob.home / "copy").exists()
        town.mend(alice, bob)
        begun: list[int] = []
        await bob.blobs.fetch(alice.id, DIGEST, bob.home / "copy", lambda done, _total: begun.append(done))
        assert begun[0] >= 2 * CHUNK_BYTES
        assert (bob.home / "copy").read_bytes() == CONTENT


async def test_a_part_has_bounds(town: Town) -> None:
    async with town.pair() as (alice, bob):
        keep(alice)
        for offset, length in ((-1, 1), (0, -1), (0, CHUNK_BYTES + 1)):
            with pytest.raises(InvalidInput, match="a chunk has at most"):
                await bob.node.control.request(alice.id, ReadBlob(DIGEST, offset, length), BlobChunk)
