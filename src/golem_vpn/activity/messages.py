"""What requestors and providers say to each other about activities."""

import msgspec

from golem_vpn.exeunit.results import CommandResult
from golem_vpn.net.wire import Message

MAX_WAIT_SECONDS = 30.0
"""How long a provider lets a request for results wait."""


class CreateActivity(Message, frozen=True):
    """Asks for an activity under an agreement; the same id again is the same request."""

    activity_id: str
    agreement_id: str


class ExecuteScript(Message, frozen=True):
    """Hands in a script; the same batch id again is the same request."""

    activity_id: str
    batch_id: str
    text: str


class BatchResults(Message, frozen=True):
    """Asks for results from an index on, once there is one of index `wait_for` or the time is over."""

    activity_id: str
    batch_id: str
    first: int
    wait_for: int
    timeout: float


class ResultsPage(msgspec.Struct, frozen=True):
    """As many results as fit in a message."""

    entries: list[CommandResult]
    more: bool
    """Whether there are further ones already."""


class ActivityState(Message, frozen=True):
    """Asks where an activity stands."""

    activity_id: str


class ActivityUsage(Message, frozen=True):
    """Asks what an activity has used."""

    activity_id: str


class DestroyActivity(Message, frozen=True):
    """Ends an activity; answered with its last usage."""

    activity_id: str
