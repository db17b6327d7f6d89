"""Why something ends, as whoever ends it says: a message in words, and whatever else there is to say."""

from typing import Any

import msgspec

from golem_vpn.errors import InvalidInput

MAX_BYTES = 16 * 1024

Reason = dict[str, Any]


def check(reason: Reason | None) -> Reason | None:
    """Gives a reason.

    Raises:
        InvalidInput: it is too long.
    """
    if reason is not None and len(msgspec.json.encode(reason)) > MAX_BYTES:
        raise InvalidInput(f"a reason has at most {MAX_BYTES} bytes")
    return reason
