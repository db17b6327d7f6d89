from pathlib import Path

import pytest

from golem_vpn.errors import Forbidden, InvalidInput, NotFound, TransferFailed
from golem_vpn.files import web
from golem_vpn.files.fetch import Fetcher
from tests.unit.files.kit import Town, leftovers, noise
from tests.unit.files.webserver import WebServer, serving

pytestmark = pytest.mark.anyio

CONTENT = noise(1_500_000)


@pytest.fixture
async def fetcher(town: Town) -> Fetcher:
    async with town.house("alice") as alice:
        return alice.fetcher


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PAUSES", (0.0, 0.0))


async def test_a_file_of_this_machine(fetcher: Fetcher, tmp_path: Path) -> None:
    source, target = tmp_path / "with space", tmp_path / "target"
    source.write_bytes(CONTENT)
    told: list[tuple[int, int | None]] = []
    await fetcher.download(f"file://{tmp_path}/with%20space", target, lambda *step: told.append(step))
    assert target.read_bytes() == CONTENT
    assert told == [(0, len(CONTENT)), (len(CONTENT), len(CONTENT))]
    await fetcher.upload(target, f"file:{tmp_path}/elsewhere")
    assert (tmp_path / "elsewhere").read_bytes() == CONTENT
    with pytest.raises(InvalidInput, match="10 are allowed"):
        await fetcher.download(f"file:{source}".replace(" ", "%20"), target, limit=10)
    with pytest.raises(NotFound):
        await fetcher.download(f"file:{tmp_path}/missing", target)
    for bad in ("file:relative", "file://otherhost/x", "file:"):
        with pytest.raises(InvalidInput):
            await fetcher.download(bad, target)


async def test_a_file_by_http(fetcher: Fetcher, tmp_path: Path) -> None:
    async with serving(WebServer(CONTENT)) as server:
        told: list[tuple[int, int | None]] = []
        await fetcher.download(server.url("file"), tmp_path / "target", lambda *step: told.append(step))
        assert (tmp_path / "target").read_bytes() == CONTENT
        assert told[0] == (0, len(CONTENT))
        assert told[-1] == (len(CONTENT), len(CONTENT))
        await fetcher.download(server.url("moved"), tmp_path / "again")
        assert (tmp_path / "again").read_bytes() == CONTENT
        with pytest.raises(InvalidInput, match="10 are allowed"):
            await fetcher.download(server.url("file"), tmp_path / "target", limit=10)
        assert leftovers(tmp_path) == []


async def test_http_goes_on_where_the_connection_broke(fetcher: Fetcher, tmp_path: Path) -> None:
    async with serving(WebServer(CONTENT, break_after=1_000_000)) as server:
        await fetcher.download(server.url("file"), tmp_path / "target")
        assert (tmp_path / "target").read_bytes() == CONTENT
        assert server.ranges
        first = int(server.ranges[0].removeprefix("bytes=").removesuffix("-"))
        assert 0 < first <= 1_000_000


async def test_http_begins_anew_where_the_content_has_no_version(fetcher: Fetcher, tmp_path: Path) -> None:
    async with serving(WebServer(CONTENT, break_after=1_000_000, version=None)) as server:
        await fetcher.download(server.url("file"), tmp_path / "target")
        assert (tmp_path / "target").read_bytes() == CONTENT
        assert server.ranges == []


async def test_a_server_that_refuses(fetcher: Fetcher, tmp_path: Path) -> None:
    async with serving(WebServer(CONTENT)) as server:
        with pytest.raises(NotFound, match="no such file"):
            await fetcher.download(server.url("missing"), tmp_path / "target")
        with pytest.raises(TransferFailed, match="answered 403"):
            await fetcher.download(server.url("forbidden?key=secret"), tmp_path / "target")
    with pytest.raises(TransferFailed) as failed:
        await fetcher.download(server.url("file?key=secret"), tmp_path / "target")
    assert "secret" not in failed.value.message
    for bad in ("http://", "http:///x", "http://[::1/x"):
        with pytest.raises(InvalidInput):
            await fetcher.download(bad, tmp_path / "target")
    assert list(tmp_path.glob("target*")) == []


async def test_a_file_handed_over_by_http(fetcher: Fetcher, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    async with serving(WebServer(b"")) as server:
        await fetcher.upload(source, server.url("put"))
        assert server.received == CONTENT
        with pytest.raises(TransferFailed):
            await fetcher.upload(source, server.url("forbidden"))


async def test_others_may_not_have_what_only_neighbours_may(fetcher: Fetcher, town: Town, tmp_path: Path) -> None:
    stranger = "0x" + "5" * 40
    source = tmp_path / "source"
    source.write_bytes(b"x")
    async with serving(WebServer(CONTENT)) as server:
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
            url = server.url("file", host)
            with pytest.raises(Forbidden, match="--allow-local-urls"):
                await fetcher.download(url, tmp_path / "target", requestor=stranger)
            with pytest.raises(Forbidden, match="--allow-local-urls"):
                await fetcher.upload(source, url, requestor=stranger)
        async with town.house("bob") as bob:
            await bob.fetcher.download(server.url("file"), tmp_path / "target", requestor=bob.id)
            allowed = Fetcher(bob.node.control, allow_local_urls=True)
            await allowed.download(server.url("file"), tmp_path / "target", requestor=stranger)
    with pytest.raises(TransferFailed, match="not known"):
        await fetcher.download("http://no.such.host.invalid/x", tmp_path / "target", requestor=stranger)
