"""Payment platforms: where money lives, in the names that Golem's applications use."""

import re

import msgspec

from golem_vpn.errors import InvalidInput

_NAME = re.compile(r"(?P<driver>[a-z0-9]{1,16})-(?P<network>[a-z0-9]{1,32})-(?P<token>[a-z0-9]{1,16})")


class Platform(msgspec.Struct, frozen=True):
    """A token on a network, and how applications expect it to be moved."""

    driver: str
    network: str
    token: str

    @property
    def name(self) -> str:
        """What offers, demands and invoices call it."""
        return f"{self.driver}-{self.network}-{self.token}"


def parse(name: str) -> Platform:
    """Reads the name of a platform.

    Raises:
        InvalidInput: it is none.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise InvalidInput(f"{name[:64]!r} is no payment platform such as erc20-holesky-tglm")
    return Platform(match["driver"], match["network"], match["token"])
