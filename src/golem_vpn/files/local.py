"""Files of this machine, copied to another place of it."""

import re
import shutil
from pathlib import Path
from urllib.parse import unquote

from anyio.to_thread import run_sync

from golem_vpn.errors import InvalidInput, NotFound
from golem_vpn.files.chunks import Progress, check_size
from golem_vpn.files.partial import partial_file

_URL = re.compile(r"file:(//(localhost)?)?(?P<path>/(?!/).*)", re.IGNORECASE)


def path_of(url: str) -> Path:
    """Gives the path that a `file:` URL names.

    Raises:
        InvalidInput: it is not an absolute one of this machine.
    """
    match = _URL.fullmatch(url)
    path = "" if match is None else unquote(match["path"])
    if not path or "\0" in path:
        raise InvalidInput(f"{url[:200]!r} has to be file: and an absolute path on this machine")
    return Path(path)


async def copy(source: Path, target: Path, on_progress: Progress, limit: int | None = None) -> None:
    """Copies a file; the target is whole or not there.

    Raises:
        NotFound: there is no such file.
        InvalidInput: it is too large, or the target cannot be written.
    """
    size = await run_sync(_size, source)
    check_size(size, limit)
    on_progress(0, size)
    async with partial_file(target, None) as partial:
        await run_sync(shutil.copyfile, source, partial.path)
        await partial.complete()
    on_progress(size, size)


def _size(source: Path) -> int:
    if not source.is_file():
        raise NotFound(f"there is no file {source}")
    return source.stat().st_size
