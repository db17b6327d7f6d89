"""Digests of images: SHA3-224 over the file, as Golem's registries and task packages have it."""

import re

from golem_vpn.errors import InvalidInput

DIGITS = 56
_DIGEST = re.compile(rf"[0-9a-f]{{{DIGITS}}}")


def parse_digest(text: str) -> str:
    """Reads a digest.

    Raises:
        InvalidInput: it is none.
    """
    digest = text.strip().lower()
    if not _DIGEST.fullmatch(digest):
        raise InvalidInput(f"{text[:100]!r} is no SHA3-224 digest, which has {DIGITS} hex digits")
    return digest
