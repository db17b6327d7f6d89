"""A provider gets an image from wherever it is, once for all who ask at the same time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from golem_vpn.errors import InvalidInput, TransferFailed
from golem_vpn.images import gvmi
from golem_vpn.images.cache import ImageCache
from golem_vpn.images.gvmi import ImageConfig
from golem_vpn.images.packages import Packages
from golem_vpn.images.progress import Progress, Step, silently
from golem_vpn.images.registry import Registry
from golem_vpn.images.squashfs import writer
from golem_vpn.images.task_package import compose
from golem_vpn.store.database import Database
from golem_vpn.store.images import ImageRepository
from tests.unit.files.conftest import _no_pauses, town
from tests.unit.files.kit import House, Town
from tests.unit.images.kit import sample

__all__ = ["_no_pauses", "town"]

pytestmark = pytest.mark.anyio

NOWHERE = "http://127.0.0.1:9/v1/image/download/x"


@dataclass
class Pair:
    """A requestor with a registry, and a provider."""

    requestor: House
    provider: House
    registry: Registry
    packages: Packages
    image: Path
    digest: str


@pytest.fixture
async def pair(town: Town, tmp_path: Path) -> AsyncIterator[Pair]:
    image = tmp_path / "image.gvmi"
    writer.write(sample(), image)
    gvmi.append(image, ImageConfig(env=("A=b",), working_dir="srv"))
    async with town.pair() as (alice, bob), registry(tmp_path / "own") as own, registry(tmp_path / "other") as other:
        alice.blobs.register(own.blob)
        stored = await own.add(content(image), "sample")
        packages = Packages(ImageCache(tmp_path / "cache", 1 << 30), other, bob.blobs, bob.fetcher)
        await packages.open()
        yield Pair(alice, bob, own, packages, image, stored.digest)


@asynccontextmanager
async def registry(directory: Path) -> AsyncIterator[Registry]:
    database = Database(directory / "golem-vpn.db")
    directory.mkdir()
    await database.open()
    registry = Registry(directory / "registry", ImageRepository(database))
    await registry.open()
    yield registry
    await database.close()


async def content(file: Path) -> AsyncIterator[bytes]:
    yield file.read_bytes()


async def test_an_image_of_the_requestors_registry_comes_by_its_digest(pair: Pair) -> None:
    heard: list[Progress] = []
    package = await pair.packages.resolve(compose(pair.digest, NOWHERE), pair.requestor.id, heard.append)
    assert (package.path / "etc" / "small").read_text() == "small\n"
    assert package.env == (("A", "b"),)
    assert package.directory == "/srv"
    size = pair.image.stat().st_size
    assert Progress(Step.DOWNLOAD, size, size) in heard
    assert heard[-1].step is Step.UNPACK
    assert heard[-1].done == heard[-1].total


async def test_who_asks_at_the_same_time_gets_the_same(pair: Pair) -> None:
    heard: list[Progress] = []
    paths: list[Path] = []

    async def ask() -> None:
        package = await pair.packages.resolve(compose(pair.digest, NOWHERE), pair.requestor.id, heard.append)
        paths.append(package.path)

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(ask)
    assert len(set(paths)) == 1
    assert sum(progress.step is Step.UNPACK and progress.done == 0 for progress in heard) == 1


async def test_an_image_is_fetched_from_its_url(pair: Pair) -> None:
    await pair.registry.remove("sample")
    url = f"file://{pair.image}"
    package = await pair.packages.resolve(compose(pair.digest, url), pair.requestor.id, silently)
    assert (package.path / "etc" / "small").exists()


async def test_the_cache_asks_nobody(pair: Pair) -> None:
    await pair.packages.resolve(compose(pair.digest, NOWHERE), pair.requestor.id, silently)
    await pair.registry.remove("sample")
    await pair.packages.resolve(compose(pair.digest, NOWHERE), pair.requestor.id, silently)


async def test_an_image_with_another_digest_is_refused(pair: Pair) -> None:
    package = compose("0" * 56, f"file://{pair.image}")
    with pytest.raises(TransferFailed, match="another digest"):
        await pair.packages.resolve(package, pair.requestor.id, silently)


async def test_what_nobody_has(pair: Pair) -> None:
    with pytest.raises(TransferFailed, match=r"the requestor's node: .*; file:"):
        await pair.packages.resolve(compose("0" * 56, "file:///no/such/file"), pair.requestor.id, silently)
    with pytest.raises(InvalidInput):
        await pair.packages.resolve("nonsense", pair.requestor.id, silently)


async def test_a_place_of_the_provider_is_taken_as_it_is(pair: Pair, tmp_path: Path) -> None:
    package = await pair.packages.resolve(f"file:{tmp_path}", pair.requestor.id, silently)
    assert (package.path, package.env, package.directory) == (tmp_path, (), None)
    package.release()
