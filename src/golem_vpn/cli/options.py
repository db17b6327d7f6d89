"""Options that every command takes."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from golem_vpn.config import default_data_dir


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Place:
    """Where a command finds its daemon."""

    data_dir: Annotated[Path, Parameter(env_var="GOLEM_VPN_DATA_DIR")] = field(default_factory=default_data_dir)
    """The daemon's data folder, with its address and key."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Common(Place):
    """Options of commands that print objects."""

    json: Annotated[bool, Parameter(negative="")] = False
    """Print JSON, the REST objects where there are such."""
