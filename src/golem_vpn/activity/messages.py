"""What requestors and providers say to each other about activities."""

import msgspec

from golem_vpn.exeunit.events import Aspect, BatchEvent
from golem_vpn.exeunit.results import CommandResult
from golem_vpn.exeunit.status import RunningCommand
from golem_vpn.net.wire import Message

MAX_WAIT_SECONDS = 30.0
"""How long a provider lets a request for news wait."""


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
    """Asks for the results of a batch so far, from an index on."""

    activity_id: str
    batch_id: str
    first: int


class ResultsPage(msgspec.Struct, frozen=True):
    """As many results as fit in a message."""

    entries: list[CommandResult]
    more: bool
    """Whether there are further ones already."""


class BatchEvents(Message, frozen=True):
    """Asks for the events of a batch so far, after a certain one."""

    activity_id: str
    batch_id: str
    after: int


class EventsPage(msgspec.Struct, frozen=True):
    """As many events as fit in a message."""

    entries: list[BatchEvent]
    complete: bool
    """Whether there will be no further ones."""


class Subject(msgspec.Struct, frozen=True, array_like=True):
    """What there can be news of."""

    activity_id: str
    batch_id: str
    aspect: Aspect


class AwaitNews(Message, frozen=True):
    """Asks for news of all batches of a requestor, once there is some or the time is over.

    One such request at a time stands in for all who wait for results: a connection has room for few at once.
    """

    requestor_id: str
    feed_id: str
    """The feed that `after` counts in; one that the provider does not know is a new beginning."""
    after: int
    timeout: float


class NewsPage(msgspec.Struct, frozen=True):
    """What has changed."""

    feed_id: str
    last: int
    """Where to go on."""
    subjects: list[Subject]
    complete: bool
    """Whether nothing may be missing since `after`; else everything may have changed."""


class RunningCommands(Message, frozen=True):
    """Asks which commands an activity runs at the moment."""

    activity_id: str


class RunningCommandList(msgspec.Struct, frozen=True):
    """The running command of each batch."""

    commands: list[RunningCommand]


class ActivityState(Message, frozen=True):
    """Asks where an activity stands."""

    activity_id: str


class ActivityUsage(Message, frozen=True):
    """Asks what an activity has used."""

    activity_id: str


class DestroyActivity(Message, frozen=True):
    """Ends an activity; answered with its last usage."""

    activity_id: str
