"""The images of the local registry in the database."""

from collections import defaultdict
from datetime import datetime

import msgspec
from sqlalchemy import delete, select

from golem_vpn.store.database import Database
from golem_vpn.store.tables.images import ImageRow, ImageTagRow


class StoredImage(msgspec.Struct, frozen=True):
    """An image that the registry has."""

    digest: str
    size: int
    created: datetime
    tags: tuple[str, ...] = ()


class ImageRepository:
    """Keeps what the registry knows about its images."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, image: StoredImage) -> None:
        """Stores an image, or adds tags to one that is there; a tag that another one had is taken from it."""
        async with self._database.transaction() as session:
            if await session.get(ImageRow, image.digest) is None:
                session.add(ImageRow(digest=image.digest, size=image.size, created=image.created))
                await session.flush()
            for tag in image.tags:
                await session.merge(ImageTagRow(tag=tag, digest=image.digest))

    async def all(self) -> list[StoredImage]:
        """Lists the images, oldest first."""
        async with self._database.reading() as session:
            tags: dict[str, list[str]] = defaultdict(list)
            for row in await session.scalars(select(ImageTagRow).order_by(ImageTagRow.tag)):
                tags[row.digest].append(row.tag)
            rows = await session.scalars(select(ImageRow).order_by(ImageRow.created, ImageRow.digest))
            return [_stored(row, tags[row.digest]) for row in rows]

    async def find(self, digest: str) -> StoredImage | None:
        """Gives the image with a digest."""
        async with self._database.reading() as session:
            row = await session.get(ImageRow, digest)
            if row is None:
                return None
            tags = await session.scalars(select(ImageTagRow.tag).where(ImageTagRow.digest == digest))
            return _stored(row, sorted(tags))

    async def digest_of(self, tag: str) -> str | None:
        """Gives the digest of the image that has a tag."""
        async with self._database.reading() as session:
            row = await session.get(ImageTagRow, tag)
            return None if row is None else row.digest

    async def remove(self, digest: str) -> None:
        """Forgets an image and its tags."""
        async with self._database.transaction() as session:
            await session.execute(delete(ImageTagRow).where(ImageTagRow.digest == digest))
            await session.execute(delete(ImageRow).where(ImageRow.digest == digest))

    async def remove_tag(self, tag: str) -> None:
        """Forgets a tag."""
        async with self._database.transaction() as session:
            await session.execute(delete(ImageTagRow).where(ImageTagRow.tag == tag))


def _stored(row: ImageRow, tags: list[str]) -> StoredImage:
    return StoredImage(row.digest, row.size, row.created, tuple(tags))
