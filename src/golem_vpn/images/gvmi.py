"""What Golem's images have behind the file system: a JSON object that says how programs are run in it.

The last 8 bytes are the object's length in decimal digits; before them come the object, and before it its CRC-32.
"""

import zlib
from pathlib import Path

import msgspec

from golem_vpn.errors import InvalidInput

_DIGITS = 8
_CRC_BYTES = 4
_MAX_BYTES = 1 << 20


class ImageConfig(msgspec.Struct, frozen=True, rename="pascal", omit_defaults=True):
    """What containers call their configuration, as far as it matters here."""

    env: tuple[str, ...] | None = None
    """`NAME=value` of all programs that are run in it."""
    working_dir: str | None = None
    user: str | None = None
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    volumes: dict[str, object] | None = None

    @property
    def environment(self) -> tuple[tuple[str, str], ...]:
        """The environment in pairs; an entry without a value is left out, as containers do."""
        pairs = (entry.partition("=") for entry in self.env or ())
        return tuple((name, value) for name, equals, value in pairs if name and equals)


def append(image: Path, config: ImageConfig) -> None:
    """Adds the configuration to a file system's image."""
    data = msgspec.json.encode(config)
    crc = zlib.crc32(data).to_bytes(_CRC_BYTES, "little")
    with image.open("ab") as file:
        file.write(crc + data + f"{len(data):0{_DIGITS}}".encode())


def read(image: Path) -> ImageConfig:
    """Gives the configuration of an image, which is empty where it has none.

    Raises:
        InvalidInput: what is there is no configuration.
    """
    with image.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _DIGITS))
        digits = file.read(_DIGITS)
        if not digits.isdigit() or len(digits) != _DIGITS:
            return ImageConfig()
        start = size - _DIGITS - int(digits) - _CRC_BYTES
        if start < 0 or int(digits) > _MAX_BYTES:
            return ImageConfig()
        file.seek(start)
        crc, data = file.read(_CRC_BYTES), file.read(int(digits))
    if zlib.crc32(data).to_bytes(_CRC_BYTES, "little") != crc:
        return ImageConfig()
    return decode(data)


def decode(data: bytes) -> ImageConfig:
    """Reads a configuration from JSON.

    Raises:
        InvalidInput: it is of another form.
    """
    try:
        return msgspec.json.decode(data, type=ImageConfig)
    except msgspec.DecodeError as error:
        raise InvalidInput(f"the image's configuration is not as it must be: {error}") from error
