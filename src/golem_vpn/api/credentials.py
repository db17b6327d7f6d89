"""How a request names its application key: `Authorization: Bearer KEY`, else the query parameter `authToken`.

The word Bearer is case-sensitive; another scheme counts as no header. A wrong key in the header is not made good by a
right one in the query.
"""

from collections.abc import Iterable
from urllib.parse import parse_qs

from golem_vpn.api.app_keys import AppKeys
from golem_vpn.errors import Unauthorized
from golem_vpn.store.app_keys import StoredAppKey

SCHEME = "Bearer "


def authenticate(app_keys: AppKeys, headers: Iterable[tuple[bytes, bytes]], query: bytes) -> StoredAppKey:
    """Finds whose request it is.

    Raises:
        Unauthorized: the request names no key, or none that is known.
    """
    secret = presented_key(headers, query)
    if secret is None:
        raise Unauthorized("Missing application key")
    key = app_keys.find(secret)
    if key is None:
        raise Unauthorized("Invalid application key")
    return key


def presented_key(headers: Iterable[tuple[bytes, bytes]], query: bytes) -> str | None:
    """Reads the key that a request names."""
    header = next((value for name, value in headers if name == b"authorization"), b"").decode("latin-1")
    if header.startswith(SCHEME):
        return header.removeprefix(SCHEME).strip()
    return next(iter(parse_qs(query.decode("latin-1")).get("authToken", [])), None)
