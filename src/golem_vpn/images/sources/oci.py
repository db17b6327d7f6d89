"""An OCI image layout as a tree: a directory, or a tar archive of one, such as `docker save` and `skopeo` write."""

import hashlib
import platform
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import msgspec

from golem_vpn.errors import InvalidInput
from golem_vpn.images.gvmi import ImageConfig
from golem_vpn.images.sources.archive import apply_layer, plain
from golem_vpn.images.tree import Tree

_MARK = "oci-layout"
_INDEX_TYPES = frozenset(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    )
)
_MAX_NESTED = 4
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
T = TypeVar("T")


class _Platform(msgspec.Struct, frozen=True):
    architecture: str = ""
    os: str = ""


class _Descriptor(msgspec.Struct, frozen=True, rename="camel"):
    digest: str
    media_type: str = ""
    platform: _Platform | None = None


class _Index(msgspec.Struct, frozen=True):
    manifests: tuple[_Descriptor, ...]


class _Manifest(msgspec.Struct, frozen=True):
    config: _Descriptor
    layers: tuple[_Descriptor, ...]


class _Config(msgspec.Struct, frozen=True):
    config: ImageConfig = ImageConfig()


def is_oci(path: Path) -> bool:
    """Says whether something is an OCI image layout."""
    if path.is_dir():
        return (path / _MARK).is_file()
    try:
        with tarfile.open(path) as members:
            return any(member.name.removeprefix("./") in (_MARK, "index.json") for member in members)
    except (tarfile.TarError, OSError, EOFError):
        return False


@contextmanager
def read_oci(layout: Path, scratch: Path) -> Iterator[tuple[Tree, ImageConfig]]:
    """Reads an image for this machine, whose files can be read as long as the context lasts.

    Raises:
        InvalidInput: it is no OCI image layout, has no image for this machine, or is damaged.
    """
    with TemporaryDirectory(dir=scratch) as own:
        directory = layout
        if not layout.is_dir():
            directory = Path(own, "layout")
            _unpack_layout(layout, directory)
        manifest = _manifest(directory)
        tree = Tree()
        for number, layer in enumerate(manifest.layers):
            place = Path(own, str(number))
            place.mkdir()
            apply_layer(tree, plain(_blob(directory, layer), place))
        yield tree, _decode(_blob(directory, manifest.config), _Config).config


def _unpack_layout(archive: Path, directory: Path) -> None:
    try:
        with tarfile.open(archive) as members:
            members.extractall(directory, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InvalidInput(f"{archive}: {error}") from error


def _manifest(directory: Path) -> _Manifest:
    index = _decode(directory / "index.json", _Index)
    for _ in range(_MAX_NESTED):
        chosen = _for_this_machine(index)
        if chosen.media_type not in _INDEX_TYPES:
            return _decode(_blob(directory, chosen), _Manifest)
        index = _decode(_blob(directory, chosen), _Index)
    raise InvalidInput(f"{directory}: the image's indexes lie in each other")


def _for_this_machine(index: _Index) -> _Descriptor:
    machine = _MACHINES.get(platform.machine(), platform.machine())
    fitting = [
        manifest
        for manifest in index.manifests
        if manifest.platform is None or manifest.platform == _Platform(machine, "linux")
    ]
    if not fitting:
        raise InvalidInput(f"the layout has no image for linux on {machine}")
    return fitting[0]


def _blob(directory: Path, descriptor: _Descriptor) -> Path:
    """Finds a blob and makes sure that it is the one that is meant."""
    algorithm, _, digest = descriptor.digest.partition(":")
    if algorithm not in ("sha256", "sha512") or not digest.isalnum():
        raise InvalidInput(f"{descriptor.digest[:100]!r} is not a digest")
    path = directory / "blobs" / algorithm / digest
    try:
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, algorithm).hexdigest()
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}") from error
    if actual != digest:
        raise InvalidInput(f"{path}: the content has another digest than its name")
    return path


def _decode(path: Path, form: type[T]) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=form)
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise InvalidInput(f"{path}: {error}") from error
