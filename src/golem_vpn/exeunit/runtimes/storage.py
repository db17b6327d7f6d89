"""How much an activity has written."""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path


def storage_in(directories: Iterable[Path]) -> int:
    """Adds up what the files below some directories take of the disk, in bytes; each file once, whatever its names."""
    sizes: dict[tuple[int, int], int] = {}
    for directory in directories:
        for found in _files(directory.resolve()):
            sizes[found.st_dev, found.st_ino] = found.st_blocks * 512
    return sum(sizes.values())


def _files(directory: Path) -> Iterator[os.stat_result]:
    pending = [str(directory)]
    while pending:
        for entry in _entries(pending.pop()):
            with suppress(OSError):
                found = entry.stat(follow_symlinks=False)
                yield found
                if stat.S_ISDIR(found.st_mode):
                    pending.append(entry.path)


def _entries(directory: str) -> list[os.DirEntry[str]]:
    try:
        return _scan(directory)
    except PermissionError:
        # Its owner closed it to itself: perhaps by mistake, perhaps to hide what is in it.
        with suppress(OSError):
            _open_up(directory)
            return _scan(directory)
    except OSError:
        pass  # removed meanwhile
    return []


def _open_up(directory: str) -> None:
    """Lets its owner in, unless a payload has put a link on the way there."""
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        found = f"/proc/self/fd/{descriptor}"
        if os.readlink(found) == directory:
            os.chmod(found, 0o700)
    finally:
        os.close(descriptor)


def _scan(directory: str) -> list[os.DirEntry[str]]:
    with os.scandir(directory) as entries:
        return list(entries)
