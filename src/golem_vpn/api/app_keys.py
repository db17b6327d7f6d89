"""Application keys: who may call the API, and for which identity.

A key is shown once, when it is made; what is kept is its SHA-256. The keys are held in memory as well, so that
authenticating waits for no disk and a removed key stops working at once.
"""

import hashlib
import os
import secrets
from collections.abc import Container, Sequence
from datetime import UTC, datetime
from pathlib import Path

import anyio
import structlog

from golem_vpn.errors import Conflict, InvalidInput, NotFound
from golem_vpn.store.app_keys import AppKeyRepository, StoredAppKey

KEY_BYTES = 32
DEFAULT_NAME = "default"
MAX_NAME_LENGTH = 64

log = structlog.get_logger()


class AppKeys:
    """Makes, lists, removes and recognises the application keys."""

    def __init__(self, repository: AppKeyRepository, own_ids: Container[str]) -> None:
        self._repository = repository
        self._own_ids = own_ids
        self._by_digest: dict[str, StoredAppKey] = {}

    async def start(self, default_identity: str, key_file: Path) -> None:
        """Takes the stored keys up, and sees to it that the key in the file, which the command line uses, works."""
        self._by_digest = {key.digest: key for key in await self._repository.all()}
        secret = await anyio.to_thread.run_sync(_read, key_file)
        if secret is not None and self.find(secret) is not None:
            return
        if any(key.name == DEFAULT_NAME for key in self.list()):
            await self.remove(DEFAULT_NAME)
        _, secret = await self.create(DEFAULT_NAME, default_identity)
        await anyio.to_thread.run_sync(_write, key_file, secret)

    async def create(self, name: str, identity: str, allow_origins: Sequence[str] = ()) -> tuple[StoredAppKey, str]:
        """Makes a key for an identity of this daemon; gives it with its secret, which nobody can show again.

        Raises:
            InvalidInput: the name is empty, too long or unprintable, or the identity is none of this daemon.
            Conflict: there is a key of that name.
        """
        if not name.strip() or len(name) > MAX_NAME_LENGTH or not name.isprintable() or "/" in name:
            raise InvalidInput(f"A name of an application key has 1 to {MAX_NAME_LENGTH} printable characters, no /")
        if identity not in self._own_ids:
            raise InvalidInput(f"{identity} is no identity of this daemon")
        if any(key.name == name for key in self.list()):
            raise Conflict(f"There is an application key named {name!r} already")
        secret = secrets.token_hex(KEY_BYTES)
        key = StoredAppKey(_digest(secret), name, identity, tuple(allow_origins), datetime.now(UTC))
        await self._repository.add(key)
        self._by_digest[key.digest] = key
        log.info("application key created", name=name, identity=identity)
        return key, secret

    def list(self) -> tuple[StoredAppKey, ...]:
        """Lists the keys, oldest first."""
        return tuple(self._by_digest.values())

    async def remove(self, name: str) -> None:
        """Makes a key invalid at once.

        Raises:
            NotFound: there is no key of that name.
        """
        digest = next((key.digest for key in self.list() if key.name == name), None)
        if digest is None:
            raise NotFound(f"There is no application key named {name!r}")
        await self._repository.remove(name)
        self._by_digest.pop(digest, None)
        log.info("application key removed", name=name)

    def find(self, secret: str) -> StoredAppKey | None:
        """Recognises a key by its secret."""
        return self._by_digest.get(_digest(secret))

    def allow_origin(self, origin: str) -> bool:
        """Tells whether any key may be used by pages of this origin."""
        return any(origin in key.allow_origins or "*" in key.allow_origins for key in self.list())


def _digest(secret: str) -> str:
    # A key is random and long: a slow hash would add nothing but time to each request.
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return None


def _write(path: Path, secret: str) -> None:
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:
        file.write(secret + "\n")
    draft.replace(path)
