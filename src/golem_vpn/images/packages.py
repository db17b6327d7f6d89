"""From what a demand calls its task package to a directory that a payload's root can be.

An image is looked for in the cache, in this node's own registry, at the requestor's node, and last behind its URL:
so an image of the requestor's registry comes over Golem Net, although its URL means something only there.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import anyio
import structlog
from anyio import from_thread
from anyio.to_thread import run_sync

from golem_vpn.errors import GolemVpnError, TransferFailed
from golem_vpn.files.blobs import Blobs
from golem_vpn.files.digests import digest_of
from golem_vpn.files.fetch import Fetcher
from golem_vpn.images.cache import ImageCache
from golem_vpn.images.digest import DIGITS
from golem_vpn.images.gvmi import ImageConfig
from golem_vpn.images.progress import OnProgress, Progress, Step
from golem_vpn.images.registry import Registry
from golem_vpn.images.task_package import ImagePackage, LocalPackage, parse
from golem_vpn.trees import remove_tree

log = structlog.get_logger()

UNPACKED_AT_ONCE = 2
"""Images being unpacked take memory and processors; others wait."""
ROOT = "/"
"""Where programs of an image start that says nothing else."""


@dataclass(frozen=True)
class Package:
    """A root file system for payloads, which stays until it is released."""

    path: Path
    """A directory that no payload may change, or a tar archive."""
    env: tuple[tuple[str, str], ...] = ()
    directory: str | None = None
    """Where programs start, if that is not the runtime's to say."""
    release: Callable[[], None] = field(default=lambda: None)


class Packages:
    """Gets what task packages name."""

    def __init__(self, cache: ImageCache, registry: Registry, blobs: Blobs, fetcher: Fetcher) -> None:
        self._cache = cache
        self._registry = registry
        self._blobs = blobs
        self._fetcher = fetcher
        self._unpacking = anyio.CapacityLimiter(UNPACKED_AT_ONCE)
        self._busy: dict[str, anyio.Lock] = {}

    async def open(self) -> None:
        """Makes room on the disk."""
        await run_sync(self._cache.open)

    async def resolve(self, task_package: str, requestor: str, on_progress: OnProgress) -> Package:
        """Gives the root file system that a requestor's task package names.

        Raises:
            InvalidInput: the task package is malformed, or the image is damaged or too large.
            TransferFailed: the image can't be had anywhere.
        """
        package = parse(task_package)
        if isinstance(package, LocalPackage):
            return Package(package.path)
        async with self._alone(package.digest):
            taken = await run_sync(self._cache.take, package.digest)
            if taken is None:
                await self._add(package, requestor, on_progress)
                taken = await run_sync(self._cache.take, package.digest)
        if taken is None:
            raise TransferFailed(f"the image {package.digest} was removed while it was unpacked")
        path, config = taken
        release = partial(self._cache.give_back, package.digest)
        return Package(path, config.environment, _directory(config), release)

    @asynccontextmanager
    async def _alone(self, digest: str) -> AsyncIterator[None]:
        """Lets who asks for an image that is on its way wait for it, instead of getting it once more."""
        lock = self._busy.setdefault(digest, anyio.Lock())
        try:
            async with lock:
                yield
        finally:
            if not lock.statistics().tasks_waiting and not lock.locked():
                self._busy.pop(digest, None)

    async def _add(self, package: ImagePackage, requestor: str, on_progress: OnProgress) -> None:
        own = await run_sync(self._registry.blob, package.digest)
        directory = await run_sync(self._cache.make_scratch)
        try:
            file = own or await self._download(package, requestor, directory / "image", on_progress)
            heard = partial(_from_thread, on_progress)
            await run_sync(self._cache.add, package.digest, file, heard, limiter=self._unpacking)
        finally:
            with anyio.CancelScope(shield=True):
                await remove_tree(directory)
        log.info("an image was unpacked", digest=package.digest)

    async def _download(self, package: ImagePackage, requestor: str, target: Path, on_progress: OnProgress) -> Path:
        def heard(done: int, total: int | None) -> None:
            on_progress(Progress(Step.DOWNLOAD, done, total))

        failures = []
        try:
            await self._blobs.fetch(requestor, package.digest, target, heard, limit=self._cache.limit)
            return target
        except GolemVpnError as error:
            failures.append(f"the requestor's node: {error.message}")
        try:
            await self._fetcher.download(package.url, target, heard, requestor=requestor, limit=self._cache.limit)
            if await run_sync(digest_of, target, DIGITS) == package.digest:
                return target
            failures.append(f"{package.url}: its content has another digest")
        except GolemVpnError as error:
            failures.append(f"{package.url}: {error.message}")
        raise TransferFailed(f"the image {package.digest} can't be had: {'; '.join(failures)}")


def _from_thread(on_progress: OnProgress, progress: Progress) -> None:
    """Tells of progress on the event loop, and ends the work when nobody waits for it any more."""
    from_thread.check_cancelled()
    from_thread.run_sync(on_progress, progress)


def _directory(config: ImageConfig) -> str:
    directory = config.working_dir or ROOT
    return directory if directory.startswith(ROOT) else ROOT + directory
