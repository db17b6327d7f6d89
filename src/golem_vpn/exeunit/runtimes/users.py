"""Which of the host's users the payloads are."""

import os
from pathlib import Path

import msgspec

from golem_vpn.exeunit.runtimes.messages import Standing, Users

PAYLOAD_ID = 1000
"""The user and the group of payloads that are guests; the native side has the same number and says why it is not 0."""
PAYLOAD_NAME = "golem"
IMAGE_IDS = 65_536
"""How many users and groups an image may have; the native side has the same number."""

_SPARE_IDS = (1_879_048_192, 65_534)
"""For a daemon that is root: an id that no machine gives to a user or a container by itself, else `nobody`."""
_SPARE_RANGE = 1_879_113_728
"""The first of as many ids as an image may have, likewise unused."""


class PayloadUser(msgspec.Struct, frozen=True):
    """The payloads' user and group, as the host knows them."""

    user: int
    group: int
    users: Users

    @property
    def is_another(self) -> bool:
        """Tells whether the payloads are somebody else than the daemon."""
        return (self.user, self.group) != (os.geteuid(), os.getegid())

    @property
    def inside(self) -> int:
        """The number that user and group have inside: the last one that is mapped."""
        return int(self.users.user_map.splitlines()[-1].split()[0])

    def own(self, path: Path) -> None:
        """Makes a file the payload's."""
        self.give(path, 0, 0)

    def give(self, path: Path, user: int, group: int) -> None:
        """Gives a file to one of the users inside; to the payload's where there is none of that number."""
        if self.is_another:
            has_others = self.users.standing is Standing.ROOT
            shifts = [number if has_others and number < IMAGE_IDS else 0 for number in (user, group)]
            os.chown(path, self.user + shifts[0], self.group + shifts[1], follow_symlinks=False)


def guest() -> PayloadUser:
    """Chooses who payloads without an image are: the daemon's user or, where that is root, one without any rights."""
    user, group = os.geteuid(), os.getegid()
    spare = _spare_id()
    if spare is None:
        return PayloadUser(user, group, _one(PAYLOAD_ID, user, group, Standing.GUEST))
    both = f"0 0 1\n{PAYLOAD_ID} {spare} 1\n"
    return PayloadUser(spare, spare, Users(both, both, True, Standing.GUEST))


def image_root() -> PayloadUser:
    """Chooses who root of an image is: the first of a range of users, where the daemon can lend one, else alone."""
    user, group = os.geteuid(), os.getegid()
    if user == 0 and _is_mapped(_SPARE_RANGE, IMAGE_IDS):
        both = f"0 {_SPARE_RANGE} {IMAGE_IDS}\n"
        return PayloadUser(_SPARE_RANGE, _SPARE_RANGE, Users(both, both, True, Standing.ROOT))
    spare = _spare_id()
    if spare is not None:
        user = group = spare
    return PayloadUser(user, group, _one(0, user, group, Standing.ONLY_ROOT))


def _one(inside: int, user: int, group: int, standing: Standing) -> Users:
    return Users(f"{inside} {user} 1\n", f"{inside} {group} 1\n", False, standing)


def _spare_id() -> int | None:
    """Gives an id without any rights that a daemon which is root may lend; none to other daemons."""
    return next((spare for spare in _SPARE_IDS if os.geteuid() == 0 and _is_mapped(spare)), None)


def _is_mapped(first_wanted: int, count: int = 1) -> bool:
    """Says whether ids exist where this process is, which may be a container with few of them."""
    return all(_covers(Path("/proc/self", file).read_text(), first_wanted, count) for file in ("uid_map", "gid_map"))


def _covers(id_map: str, first_wanted: int, count: int) -> bool:
    ranges = (map(int, line.split()) for line in id_map.splitlines())
    return any(first <= first_wanted and first_wanted + count <= first + length for first, _, length in ranges)
