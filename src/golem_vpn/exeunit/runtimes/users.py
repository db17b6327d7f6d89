"""Which of the host's users the payloads are."""

import os
from pathlib import Path

import msgspec

from golem_vpn.exeunit.runtimes.messages import Users

PAYLOAD_ID = 1000
"""The user and the group of payloads inside; the native side has the same number and says why it is not 0."""
PAYLOAD_NAME = "golem"

_SPARE_IDS = (1_879_048_192, 65_534)
"""For a daemon that is root: an id that no machine gives to a user or a container by itself, else `nobody`."""


class PayloadUser(msgspec.Struct, frozen=True):
    """The payloads' user and group, as the host knows them."""

    user: int
    group: int
    users: Users

    def own(self, path: Path) -> None:
        """Makes a file the payload's."""
        if (self.user, self.group) != (os.geteuid(), os.getegid()):
            os.chown(path, self.user, self.group, follow_symlinks=False)


def payload_user() -> PayloadUser:
    """Chooses who the payloads are: the daemon's own user or, where that is root, somebody without any rights."""
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        for spare in _SPARE_IDS:
            if _is_mapped("uid_map", spare) and _is_mapped("gid_map", spare):
                both = f"0 0 1\n{PAYLOAD_ID} {spare} 1\n"
                return PayloadUser(spare, spare, Users(both, both, True))
    return PayloadUser(user, group, Users(f"{PAYLOAD_ID} {user} 1\n", f"{PAYLOAD_ID} {group} 1\n", False))


def _is_mapped(file: str, wanted: int) -> bool:
    """Says whether an id exists where this process is, which may be a container with few of them."""
    ranges = (map(int, line.split()) for line in Path("/proc/self", file).read_text().splitlines())
    return any(first <= wanted < first + length for first, _, length in ranges)
