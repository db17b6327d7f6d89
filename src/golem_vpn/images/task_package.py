"""What a demand calls its task package: where a payload's root file system is, and how it is known to be the right one.

`hash:sha3:DIGEST:URL` is an image, as the SDKs of Golem ask for it. `file:PATH` is a directory or a tar archive of the
provider's own machine.
"""

from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from golem_vpn.errors import InvalidInput
from golem_vpn.images.digest import parse_digest

PROPERTY = "golem.srv.comp.task_package"
SCHEMES = ("http", "https", "gftp", "file")
_MAX_LENGTH = 4096
_HASH = "hash:"


class ImagePackage(msgspec.Struct, frozen=True):
    """An image that is known by its digest, wherever it comes from."""

    digest: str
    url: str


class LocalPackage(msgspec.Struct, frozen=True):
    """A directory or a tar archive of the provider's."""

    path: Path


def parse(text: object) -> ImagePackage | LocalPackage:
    """Reads a task package.

    Raises:
        InvalidInput: it is of another form.
    """
    if not isinstance(text, str) or len(text) > _MAX_LENGTH or "\0" in text:
        raise InvalidInput(f"{PROPERTY} has to be text")
    if text.startswith(_HASH):
        return _image(text.removeprefix(_HASH))
    if text.startswith("file:"):
        path = Path(text.removeprefix("file:").removeprefix("//"))
        if not path.is_absolute():
            raise InvalidInput(f"{PROPERTY}: {str(path)!r} is not an absolute path")
        return LocalPackage(path)
    raise InvalidInput(f"{PROPERTY} has to be hash:sha3:DIGEST:URL, or file: and an absolute path on the provider")


def compose(digest: str, url: str) -> str:
    """Writes the task package of an image."""
    return f"{_HASH}sha3:{digest}:{url}"


def _image(text: str) -> ImagePackage:
    algorithm, _, rest = text.partition(":")
    digest, _, url = rest.partition(":")
    if algorithm != "sha3":
        raise InvalidInput(f"{PROPERTY}: {algorithm[:20]!r} is not a kind of digests; sha3 is")
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in SCHEMES or not (parts.netloc or parts.scheme == "file"):
        raise InvalidInput(f"{PROPERTY}: {url[:200]!r} is no URL with one of the schemes {', '.join(SCHEMES)}")
    try:
        return ImagePackage(parse_digest(digest), url)
    except InvalidInput as error:
        raise InvalidInput(f"{PROPERTY}: {error.message}") from error
