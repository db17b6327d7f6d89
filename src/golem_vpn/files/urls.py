"""URLs of files that nodes have: `gftp://IDENTITY/NAME`."""

import re
from typing import NamedTuple

from golem_vpn.errors import InvalidInput

_URL = re.compile(r"gftp://(?P<owner>0x[0-9a-fA-F]{40})/(?P<name>[A-Za-z0-9._~-]{1,128})/?")


class GftpUrl(NamedTuple):
    """Whose file it is, and which."""

    owner: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "GftpUrl":
        """Reads a URL.

        Raises:
            InvalidInput: it is none of this kind.
        """
        match = _URL.fullmatch(text)
        if match is None:
            raise InvalidInput(f"{text[:200]!r} is not gftp://, an identity, / and a name")
        return cls(match["owner"].lower(), match["name"])

    def __str__(self) -> str:
        return f"gftp://{self.owner}/{self.name}"
