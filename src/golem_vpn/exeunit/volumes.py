"""The volumes of a `deploy` command: directories of the activity's own that stay as long as it does.

They are named by a list of paths, or by a map from path to kind: `host` is a directory, `storage` one with a size,
`ram` one in memory.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from golem_vpn.errors import InvalidInput
from golem_vpn.exeunit.runtimes.base import Volume

MAX_VOLUMES = 16
MAX_PATH = 1024

_KINDS = ("host", "ram", "storage")
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)
_UNITS = {unit: 1 << 10 * power for power, unit in enumerate(("", "k", "m", "g", "t"))}
_DIRECTORY: Mapping[str, Any] = {"host": {}}
_RESERVED = frozenset(("dev", "etc", "mnt", "proc", "sys"))


def plan_volumes(named: Sequence[str] | Mapping[str, Mapping[str, Any]]) -> tuple[Volume, ...]:
    """Reads what a command says of volumes; outer ones come before those inside of them.

    Raises:
        InvalidInput: it says what can't be.
    """
    if len(named) > MAX_VOLUMES:
        raise InvalidInput(f"{len(named)} volumes, {MAX_VOLUMES} are allowed")
    kinds = named.items() if isinstance(named, Mapping) else [(path, _DIRECTORY) for path in named]
    volumes = [_volume(path, kind) for path, kind in kinds]
    if len({volume.path for volume in volumes}) < len(volumes):
        raise InvalidInput("volumes: a path is named twice")
    return tuple(sorted(volumes, key=lambda volume: volume.path))


def _volume(text: str, kind: Mapping[str, Any]) -> Volume:
    path = text.rstrip("/")
    parts = path.split("/")[1:]
    if not path.startswith("/") or len(path) > MAX_PATH or "\0" in path or {"", ".", ".."} & set(parts):
        raise InvalidInput(f"volumes: {text[:200]!r} is not an absolute path without dots")
    if parts[0] in _RESERVED:
        raise InvalidInput(f"volumes: {path} is in /{parts[0]}, which is the runtime's")
    [(name, options)] = kind.items() if len(kind) == 1 else [("", None)]
    if name not in _KINDS or not isinstance(options, Mapping):
        raise InvalidInput(f"volumes: {path}: expected one of {', '.join(_KINDS)}, with an object")
    size = None if options.get("size") is None else _size(path, options["size"])
    if name == "ram" and size is None:
        raise InvalidInput(f"volumes: {path}: a volume in memory needs a size")
    return Volume(path=path, size_bytes=size, in_memory=name == "ram")


def _size(path: str, text: object) -> int:
    match = _SIZE.fullmatch(str(text).strip())
    size = 0 if match is None or isinstance(text, bool) else int(float(match[1]) * _UNITS[match[2].lower()])
    if size <= 0:
        raise InvalidInput(f"volumes: {path}: {str(text)[:50]!r} is not a size such as 512m or 2g")
    return size
