"""Removing directories, whatever payloads or images did to them."""

import os
import shutil
from pathlib import Path

import anyio.to_thread


async def remove_tree(path: Path) -> None:
    """Removes a directory with all in it; one that is not there is fine."""
    await anyio.to_thread.run_sync(remove_now, path)


def remove_now(path: Path) -> None:
    """Removes a directory with all in it; blocks."""
    shutil.rmtree(path, ignore_errors=True)
    if path.exists():
        # A payload may have closed directories even to their owner.
        _make_accessible(path)
        shutil.rmtree(path, ignore_errors=True)


def _make_accessible(path: Path) -> None:
    path.chmod(0o700)
    for directory, names, _ in os.walk(path):
        for name in names:
            inner = Path(directory, name)
            if not inner.is_symlink():
                inner.chmod(0o700)
