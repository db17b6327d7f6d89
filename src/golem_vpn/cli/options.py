"""Options that several commands take."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, Token

from golem_vpn.config import Address, default_data_dir
from golem_vpn.errors import ConfigurationError

PLAIN = Parameter(negative="", show_default=False)
"""An option that is off or empty unless it is given, which goes without saying."""
HIGHEST_LISTEN_PORT = 65534
"""The port after it is for packets."""
UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
LONGEST = timedelta(days=3650)


def check_api_address(_type: object, text: str) -> None:
    """Lets wrong usage be told as such, before anything is started."""
    try:
        Address.parse(text)
    except ConfigurationError as error:
        raise ValueError(error.message) from None


def check_listen_address(_type: object, text: str) -> None:
    """Lets wrong usage be told as such; other nodes dial an address of digits, never a name."""
    check_api_address(_type, text)
    address = Address.parse(text)
    ip_address(address.host)
    if address.port > HIGHEST_LISTEN_PORT:
        raise ValueError(f"the port after it is needed as well, so {HIGHEST_LISTEN_PORT} is the highest")


def check_ip(_type: object, text: str | None) -> None:
    """Lets wrong usage be told as such."""
    if text is not None:
        ip_address(text)


def read_duration(_type: object, tokens: Sequence[Token]) -> timedelta:
    """Reads a number with a unit: 90s, 30m, 2h, 7d."""
    match = re.fullmatch(r"([1-9][0-9]{0,8})([smhd])", tokens[0].value)
    if match is None or (duration := int(match[1]) * UNITS[match[2]]) > LONGEST:
        raise ValueError("a duration is a number with s, m, h or d, such as 90s, 30m, 2h or 7d, and at most 3650d")
    return duration


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Place:
    """Where a command finds its daemon."""

    data_dir: Annotated[Path, Parameter(env_var="GOLEM_VPN_DATA_DIR")] = field(default_factory=default_data_dir)
    """The data folder of the daemon that is meant: its keys, its database, and where its API listens."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Common(Place):
    """Options of commands that print objects."""

    json: Annotated[bool, PLAIN] = False
    """Print JSON for programs: the REST API's objects where there are such."""
