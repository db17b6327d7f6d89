"""The local registry: images by digest and by tag, for this node's applications and for the providers they hire."""

import hashlib
import os
import re
import tarfile
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from anyio.to_thread import run_sync

from golem_vpn.errors import InvalidInput, NotFound
from golem_vpn.images.digest import DIGITS
from golem_vpn.images.squashfs.layout import MAGIC
from golem_vpn.store.images import ImageRepository, StoredImage

MAX_IMAGE_BYTES = 32 << 30
LATEST = "latest"

_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(rf"[0-9a-f]{{{DIGITS}}}")


class Registry:
    """Keeps images in a directory, one file each, named by its digest."""

    def __init__(self, directory: Path, repository: ImageRepository) -> None:
        self._directory = directory
        self._repository = repository

    async def open(self) -> None:
        """Makes the directory, and removes what was on its way into it when the daemon was last killed."""
        await run_sync(_clean, self._directory)

    async def add(self, content: AsyncIterator[bytes], tag: str | None = None) -> StoredImage:
        """Takes in an image.

        Raises:
            InvalidInput: it is no image, or too large, or the tag is none.
        """
        tags = () if tag is None else (parse_tag(tag),)
        incoming = await run_sync(Incoming, self._directory)
        try:
            async for chunk in content:
                await run_sync(incoming.write, chunk)
            digest = await run_sync(incoming.settle)
        finally:
            await run_sync(incoming.discard)
        await self._repository.add(StoredImage(digest, incoming.size, datetime.now(UTC), tags))
        return await self.find(digest)

    async def images(self) -> list[StoredImage]:
        """Lists the images, oldest first."""
        return await self._repository.all()

    async def find(self, reference: str) -> StoredImage:
        """Gives an image by its tag or its digest.

        Raises:
            InvalidInput: this is neither a tag nor a digest.
            NotFound: there is no such image.
        """
        digest: str | None = reference
        if not _DIGEST.fullmatch(reference):
            digest = await self._repository.digest_of(parse_tag(reference))
        image = None if digest is None else await self._repository.find(digest)
        if image is None:
            raise NotFound(f"there is no image {reference}; `golem-vpn image ls` lists what there is")
        return image

    async def remove(self, reference: str) -> StoredImage:
        """Removes a tag and, when it was the last one or a digest was given, the image.

        Raises:
            InvalidInput: this is neither a tag nor a digest.
            NotFound: there is no such image.
        """
        image = await self.find(reference)
        if reference != image.digest and len(image.tags) > 1:
            await self._repository.remove_tag(parse_tag(reference))
            return image
        await self._repository.remove(image.digest)
        await run_sync(lambda: self._path(image.digest).unlink(missing_ok=True))
        return image

    def blob(self, digest: str) -> Path | None:
        """Finds the file of an image by its digest; looks at the disk."""
        path = self._path(digest)
        return path if _DIGEST.fullmatch(digest) and path.is_file() else None

    def _path(self, digest: str) -> Path:
        return self._directory / digest


def parse_tag(text: str) -> str:
    """Reads a tag, such as `golem/ssh:1.0`; without a version it means the latest.

    Raises:
        InvalidInput: it is none.
    """
    tag = text if ":" in text else f"{text}:{LATEST}"
    if not _TAG.fullmatch(tag) or _DIGEST.fullmatch(text):
        raise InvalidInput(f"{text[:100]!r} is no tag; one is NAME or NAME:VERSION of letters, digits, and `. _ - /`")
    return tag


class Incoming:
    """An image on its way into the directory; its methods block."""

    def __init__(self, directory: Path) -> None:
        self.size = 0
        self._directory = directory
        self._digest = hashlib.sha3_224()
        descriptor, name = tempfile.mkstemp(prefix=".", dir=directory)
        self._file = os.fdopen(descriptor, "wb")
        self._path = Path(name)

    def write(self, chunk: bytes) -> None:
        """Takes the next bytes.

        Raises:
            InvalidInput: there are more than an image can have.
        """
        self.size += len(chunk)
        if self.size > MAX_IMAGE_BYTES:
            raise InvalidInput(f"an image can have {MAX_IMAGE_BYTES >> 30} GiB")
        self._digest.update(chunk)
        self._file.write(chunk)

    def settle(self) -> str:
        """Puts the complete image in its place, and gives its digest.

        Raises:
            InvalidInput: it is no image.
        """
        self._file.flush()
        if not is_image(self._path):
            raise InvalidInput("neither a squashfs image nor a tar archive; `golem-vpn image build` makes images")
        os.fsync(self._file.fileno())
        self._path.rename(self._directory / self._digest.hexdigest())
        return self._digest.hexdigest()

    def discard(self) -> None:
        """Removes what did not come to its place."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def is_image(path: Path) -> bool:
    """Says whether a file is one that a root file system can be unpacked from; blocks."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC or tarfile.is_tarfile(path)


def _clean(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in directory.glob(".*"):
        path.unlink()
