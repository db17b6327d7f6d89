"""Files that hold secrets: for their owner's eyes only, and on the disk before anything relies on them."""

import os
import secrets
import stat
from pathlib import Path

from golem_vpn.errors import ConfigurationError


def read_secret(path: Path) -> str:
    """Reads a secret from its file.

    Raises:
        ConfigurationError: others than the owner may read or change the file.
        FileNotFoundError: there is no such file.
    """
    with path.open(encoding="ascii", errors="replace") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            raise ConfigurationError(
                f"{path} is open to other users (mode {mode:04o}); close it with: chmod 600 {path}"
            )
        return file.read().strip()


def create_secret(path: Path, text: str) -> None:
    """Writes a new secret; one that is there stays as it is.

    Raises:
        FileExistsError: the file is there.
    """
    temporary = _write_aside(path, text)
    try:
        # Unlike a rename, a link never replaces a key that another process made meanwhile.
        os.link(temporary, path)
    finally:
        temporary.unlink()
    _flush_directory(path.parent)


def replace_secret(path: Path, text: str) -> None:
    """Writes a secret in place of what the file held before."""
    _write_aside(path, text).replace(path)
    _flush_directory(path.parent)


def _write_aside(path: Path, text: str) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
    return temporary


def _flush_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
