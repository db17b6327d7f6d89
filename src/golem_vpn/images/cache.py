"""Images that have been unpacked, for many payloads at the same time: each in a directory named by its digest.

A directory is whole from the moment it has its name. What was not used for the longest time goes when the cache
becomes too large, but never under a payload.
"""

import os
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from golem_vpn.errors import InvalidInput
from golem_vpn.images import gvmi
from golem_vpn.images.gvmi import ImageConfig
from golem_vpn.images.progress import Meter, OnProgress, Step
from golem_vpn.images.sources.archive import read_archive
from golem_vpn.images.squashfs import reader
from golem_vpn.images.squashfs.layout import MAGIC
from golem_vpn.images.tree import Tree
from golem_vpn.images.unpack import unpack
from golem_vpn.trees import remove_now

_ROOT = "root"
_RECORD = "image.json"


class Record(msgspec.Struct, frozen=True):
    """What is known about an unpacked image."""

    size: int
    config: ImageConfig


class ImageCache:
    """Unpacks images, and removes those that nobody has used for long; its methods block."""

    def __init__(self, directory: Path, limit: int) -> None:
        self.limit = limit
        """How many bytes all images have at most, also one alone."""
        self._directory = directory
        self._users: Counter[str] = Counter()
        self._lock = threading.Lock()
        """Held while it is settled whether an image stays."""

    def open(self) -> None:
        """Makes the directory, and removes what was unfinished when the daemon was last killed."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self._directory.glob(".*"):
            remove_now(path)

    def take(self, digest: str) -> tuple[Path, ImageConfig] | None:
        """Finds an unpacked image, which stays until it is given back."""
        directory = self._directory / digest
        with self._lock:
            try:
                record = msgspec.json.decode((directory / _RECORD).read_bytes(), type=Record)
            except FileNotFoundError:
                return None
            self._users[digest] += 1
        os.utime(directory / _RECORD)
        return directory / _ROOT, record.config

    def give_back(self, digest: str) -> None:
        """Says that one of those who took an image needs it no longer."""
        with self._lock:
            self._users[digest] -= 1

    def add(self, digest: str, image: Path, on_progress: OnProgress) -> None:
        """Unpacks an image.

        Raises:
            InvalidInput: it is damaged, or too large.
        """
        with self._scratch() as scratch:
            with _opened(image, scratch, self.limit) as tree:
                size = unpack(tree, scratch / _ROOT, Meter(Step.UNPACK, on_progress), self.limit)
            (scratch / _RECORD).write_bytes(msgspec.json.encode(Record(size, gvmi.read(image))))
            scratch.rename(self._directory / digest)
        self._make_room(digest)

    def make_scratch(self) -> Path:
        """Makes a directory to work in, for the caller to remove; the daemon's next start does so otherwise."""
        return Path(tempfile.mkdtemp(prefix=".", dir=self._directory))

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        directory = self.make_scratch()
        try:
            yield directory
        finally:
            if directory.exists():
                remove_now(directory)

    def _make_room(self, newest: str) -> None:
        images = []
        for record in self._directory.glob(f"[!.]*/{_RECORD}"):
            size = msgspec.json.decode(record.read_bytes(), type=Record).size
            images.append((record.stat().st_mtime_ns, record.parent, size))
        total = sum(size for _, _, size in images)
        for _, directory, size in sorted(images):
            if total <= self.limit:
                break
            if directory.name != newest and self._drop(directory):
                total -= size

    def _drop(self, directory: Path) -> bool:
        with self._scratch() as scratch:
            with self._lock:
                if self._users[directory.name]:
                    return False
                # What is half removed must not be found.
                directory.rename(scratch / _ROOT)
            return True


@contextmanager
def _opened(image: Path, scratch: Path, max_bytes: int) -> Iterator[Tree]:
    with image.open("rb") as file:
        is_squashfs = file.read(len(MAGIC)) == MAGIC
    try:
        with reader.opened(image) if is_squashfs else read_archive(image, scratch, max_bytes) as tree:
            yield tree
    except OSError as error:
        raise InvalidInput(f"the image can't be unpacked: {error.strerror}") from error
