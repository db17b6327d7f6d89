"""The two sides of the market."""

from enum import StrEnum


class Role(StrEnum):
    """Which side of an agreement this node is on."""

    REQUESTOR = "Requestor"
    PROVIDER = "Provider"

    @property
    def other(self) -> "Role":
        """The opposite side."""
        return Role.PROVIDER if self is Role.REQUESTOR else Role.REQUESTOR
