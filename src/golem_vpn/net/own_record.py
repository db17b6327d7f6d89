"""This node's own record, signed anew whenever it says something else than before."""

import secrets
import time
from collections.abc import Callable

import msgspec

from golem_vpn.net.identity import Identities
from golem_vpn.net.record import (
    BOOT_ID_LENGTH,
    MAX_CANDIDATES,
    MAX_ENTRIES,
    Candidate,
    KnownRecord,
    NodeRecord,
    sign,
)
from golem_vpn.net.relay_address import MAX_RELAYS

REFRESH_MILLISECONDS = 3600 * 1000

IssueListener = Callable[[KnownRecord], object]


class OwnRecord:
    """Composes the record of this node from what is true at the moment."""

    def __init__(
        self,
        identities: Identities,
        endpoint_id: bytes,
        *,
        name: str,
        roles: tuple[str, ...],
        control_addresses: Callable[[], list[str]],
        packet_addresses: Callable[[], list[Candidate]],
        relays: Callable[[], list[str]] = list,
        carrier_id: bytes = b"",
        issued_before: int = 0,
        on_issue: IssueListener | None = None,
    ) -> None:
        self._identities = identities
        self._endpoint_id = endpoint_id
        self._name = name
        self._roles = roles
        self._control_addresses = control_addresses
        self._packet_addresses = packet_addresses
        self._relays = relays
        self._carrier_id = carrier_id
        self._boot_id = secrets.token_bytes(BOOT_ID_LENGTH)
        self._known: KnownRecord | None = None
        self._issued_before = issued_before
        self._on_issue = on_issue

    def current(self) -> KnownRecord:
        """Gives the record, signed anew when an address, an identity or the hour changed."""
        record = self._compose()
        if self._known is not None:
            present = self._known.record
            unchanged = msgspec.structs.replace(record, issued_at=present.issued_at) == present
            if unchanged and record.issued_at - present.issued_at < REFRESH_MILLISECONDS:
                return self._known
        self._issued_before = record.issued_at
        self._known = sign(record, self._identities)
        if self._on_issue is not None:
            self._on_issue(self._known)
        return self._known

    def _compose(self) -> NodeRecord:
        default = self._identities.default.node_id
        others = [identity.node_id for identity in self._identities if identity.node_id != default]
        return NodeRecord(
            node_id=default,
            name=self._name,
            roles=self._roles,
            endpoint_id=self._endpoint_id,
            control_addresses=tuple(self._control_addresses()[:MAX_ENTRIES]),
            packet_addresses=tuple(self._packet_addresses()[:MAX_CANDIDATES]),
            relays=tuple(self._relays()[:MAX_RELAYS]),
            carrier_id=self._carrier_id,
            boot_id=self._boot_id,
            # Even where the clock went back: others take only what is newer.
            issued_at=max(milliseconds_now(), self._issued_before + 1),
            identities=(default, *others[: MAX_ENTRIES - 1]),
        )


def milliseconds_now() -> int:
    """Gives the wall clock's time since 1970."""
    return time.time_ns() // 1_000_000
