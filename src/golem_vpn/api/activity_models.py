"""The JSON of the Activity API, as its document describes it; the services write it themselves."""

from datetime import datetime
from typing import Literal

import msgspec

from golem_vpn.exeunit.results import Outcome
from golem_vpn.exeunit.state import State


class ActivityStateInfo(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Where an activity stands."""

    state: tuple[State, State | None]
    """Where it is, and where it is on its way to."""
    reason: str | None = None
    error_message: str | None = None


class ActivityUsageInfo(msgspec.Struct, frozen=True, rename="camel"):
    """What an activity has used."""

    current_usage: list[float]
    """In the order of the agreement's usage vector."""
    timestamp: int
    """Seconds since 1970."""


class RunningCommandInfo(msgspec.Struct, frozen=True, rename="camel"):
    """A command that runs at the moment."""

    batch_id: str
    command: Literal["deploy", "start", "run", "transfer", "sign", "terminate"]
    params: list[str]
    """The program and its arguments."""


class CommandResultInfo(msgspec.Struct, frozen=True, rename="camel"):
    """What came of a command that has ended."""

    index: int
    event_date: datetime
    result: Outcome
    stdout: str | list[int] | None
    """Text, or the values of the bytes where they were asked for."""
    stderr: str | list[int] | None
    message: str | None
    is_batch_finished: bool
