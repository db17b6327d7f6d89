"""Builds all that a daemon has to do with images."""

from dataclasses import dataclass
from pathlib import Path

from golem_vpn.files.node_files import NodeFiles
from golem_vpn.images.cache import ImageCache
from golem_vpn.images.packages import Packages
from golem_vpn.images.registry import Registry
from golem_vpn.store.database import Database
from golem_vpn.store.images import ImageRepository


@dataclass(frozen=True)
class NodeImages:
    """The parts, ready to be asked."""

    registry: Registry
    packages: Packages

    @classmethod
    async def open(cls, directory: Path, database: Database, files: NodeFiles, *, cache_bytes: int) -> "NodeImages":
        """Builds the parts, makes their directories, and gives other nodes what the registry has by its digest."""
        registry = Registry(directory / "registry", ImageRepository(database))
        cache = ImageCache(directory / "unpacked", cache_bytes)
        packages = Packages(cache, registry, files.blobs, files.fetcher)
        await registry.open()
        await packages.open()
        files.blobs.register(registry.blob)
        return cls(registry, packages)
