"""Digests of files: SHA3, in 56 hex digits (as images have it) or 64 (as published files have it)."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from golem_vpn.errors import InvalidInput

DIGEST = re.compile(r"[0-9a-f]{56}|[0-9a-f]{64}")
SHA3_256_DIGITS = 64

_KINDS: dict[int, Callable[[], Any]] = {56: hashlib.sha3_224, SHA3_256_DIGITS: hashlib.sha3_256}


def check_digest(text: str) -> str:
    """Gives a digest back that is one.

    Raises:
        InvalidInput: it is none.
    """
    if not DIGEST.fullmatch(text):
        raise InvalidInput("a digest has 56 or 64 lower-case hex digits")
    return text


def digest_of(path: Path, digits: int = SHA3_256_DIGITS) -> str:
    """Computes the digest of a file, of so many hex digits; blocks."""
    with open(path, "rb") as file:
        text: str = hashlib.file_digest(file, _KINDS[digits]).hexdigest()
    return text
