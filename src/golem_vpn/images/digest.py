"""Digests of images: SHA3-224 over the file, as Golem's registries and task packages have it."""

import hashlib
import re
from pathlib import Path

from golem_vpn.errors import InvalidInput

_CHUNK = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{56}")


def parse_digest(text: str) -> str:
    """Reads a digest.

    Raises:
        InvalidInput: it is none.
    """
    digest = text.strip().lower()
    if not _DIGEST.fullmatch(digest):
        raise InvalidInput(f"{text[:100]!r} is no SHA3-224 digest, which has 56 hex digits")
    return digest


def digest_of(path: Path) -> str:
    """Computes the digest of a file; blocks while it reads."""
    digest = hashlib.sha3_224()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
