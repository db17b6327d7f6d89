from pathlib import Path

import pytest

from golem_vpn.errors import Conflict, Forbidden, InvalidInput, NotFound, Overloaded
from golem_vpn.files import service
from golem_vpn.files.disk import DiskSink
from golem_vpn.files.urls import GftpUrl
from tests.unit.files.kit import Town

pytestmark = pytest.mark.anyio


async def test_all_or_none_are_published(town: Town) -> None:
    async with town.house("alice") as alice:
        good = alice.write("good", b"x")
        for bad, error in (
            (alice.home / "missing", NotFound),
            (alice.home, NotFound),
            (Path("good"), InvalidInput),
            (alice.home / "nul\0", InvalidInput),
            (town.directory / "data" / "alice" / "golem-vpn.db", Forbidden),
            (alice.home / ".." / ".." / "data" / "alice" / "golem-vpn.db", Forbidden),
        ):
            with pytest.raises(error):
                await alice.files.publish(alice.id, [good, bad])
        assert alice.files.offered(alice.id) == []


async def test_what_is_released_is_offered_no_more(town: Town) -> None:
    async with town.house("alice") as alice:
        file = alice.write("file", b"x")
        [offered, other] = await alice.files.publish(alice.id, [file, file])
        assert alice.files.offered(alice.id) == [offered, other]
        with pytest.raises(NotFound):
            await alice.files.release("0x" + "0" * 40, offered.url)
        await alice.files.release(alice.id, offered.url)
        assert alice.files.offered(alice.id) == [other]
        await alice.fetcher.download(other.url, alice.home / "copy")
        with pytest.raises(NotFound):
            await alice.files.release(alice.id, offered.url)
        with pytest.raises(NotFound):
            await alice.fetcher.download(offered.url, alice.home / "copy")
        with pytest.raises(InvalidInput):
            await alice.files.release(alice.id, "gftp://nobody/x")
    async with town.house("alice") as alice:
        assert alice.files.offered(alice.id) == [other]


async def test_a_place_to_receive_at_must_be_possible(town: Town) -> None:
    async with town.house("alice") as alice:
        with pytest.raises(InvalidInput, match="no directory"):
            await alice.files.receive(alice.id, alice.home / "nowhere" / "file")
        with pytest.raises(Forbidden):
            await alice.files.receive(alice.id, town.directory / "data" / "alice" / "app-key")


async def test_there_is_a_bound(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_FILES", 1)
    async with town.house("alice") as alice:
        await alice.files.receive(alice.id, alice.home / "file")
        with pytest.raises(Overloaded):
            await alice.files.receive(alice.id, alice.home / "other")


async def test_one_url_has_one_meaning(town: Town) -> None:
    async with town.house("alice") as alice:
        place = GftpUrl.parse(f"gftp://{alice.id}/name")
        alice.exchange.bind(place, sink=DiskSink(alice.home / "x"))
        with pytest.raises(Conflict):
            alice.exchange.bind(place, sink=DiskSink(alice.home / "x"))
        alice.exchange.unbind(place)
        alice.exchange.bind(place, sink=DiskSink(alice.home / "x"))
