"""The states of an activity, as one table.

Rule 1: which command is allowed when, and where it leads, stands in `TRANSITIONS` and nowhere else.

An activity is New, then Initialized once it exists, Deployed and Ready by the commands deploy and start, Terminated at
its end. `terminate` leads back to Initialized from anywhere, so that the requestor can deploy anew. While a step that
leads elsewhere is on its way, its goal is *pending*, and every command but sign and terminate has to wait. Steps that
lead where they began go on beside others: several batches may run programs at once. A step that fails changes nothing,
but for `start`, after which nothing is left of the deployment.
Unresponsive is what a requestor's daemon says of an activity whose provider it cannot reach; no step leads there.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import msgspec

from golem_vpn.errors import Conflict


class State(StrEnum):
    """Where an activity stands; the names are those of the Activity API."""

    NEW = "New"
    INITIALIZED = "Initialized"
    DEPLOYED = "Deployed"
    READY = "Ready"
    UNRESPONSIVE = "Unresponsive"
    TERMINATED = "Terminated"


class Step(StrEnum):
    """What can happen to an activity: the commands of a script, its beginning and its end."""

    INITIALIZE = "initialize"
    DEPLOY = "deploy"
    START = "start"
    RUN = "run"
    TRANSFER = "transfer"
    SIGN = "sign"
    TERMINATE = "terminate"
    DESTROY = "destroy"


TRANSITIONS: Mapping[tuple[State, Step], State] = MappingProxyType(
    {
        (State.NEW, Step.INITIALIZE): State.INITIALIZED,
        (State.INITIALIZED, Step.DEPLOY): State.DEPLOYED,
        (State.DEPLOYED, Step.START): State.READY,
        (State.READY, Step.RUN): State.READY,
        (State.READY, Step.TRANSFER): State.READY,
        **{(state, Step.SIGN): state for state in (State.INITIALIZED, State.DEPLOYED, State.READY)},
        **{(state, Step.TERMINATE): State.INITIALIZED for state in (State.INITIALIZED, State.DEPLOYED, State.READY)},
        **{(state, Step.DESTROY): State.TERMINATED for state in State},
    }
)

AFTER_FAILURE: Mapping[tuple[State, Step], State] = MappingProxyType({(State.DEPLOYED, Step.START): State.INITIALIZED})

_BESIDE_OTHERS = frozenset({Step.RUN, Step.TRANSFER, Step.SIGN})
_ALWAYS_ALLOWED = frozenset({Step.SIGN, Step.TERMINATE, Step.DESTROY})

_EXPECTED = {
    State.NEW: "Activity is new - it is being created",
    State.INITIALIZED: "Activity is initialized - deploy() command is expected now",
    State.DEPLOYED: "Activity is deployed - start() command is expected now",
    State.READY: "Cannot send command after a successful start()",
    State.UNRESPONSIVE: "Activity is unresponsive",
    State.TERMINATED: "Activity is terminated",
}


class InvalidState(Conflict):
    """The command is not allowed in the activity's present state."""


class Busy(Conflict):
    """The activity is in the middle of another command."""


class StatePair(msgspec.Struct, frozen=True, array_like=True):
    """Where an activity stands, and where it is on its way to."""

    current: State
    pending: State | None = None


class StateMachine:
    """Follows one activity through the table."""

    def __init__(self) -> None:
        self.pair = StatePair(State.NEW)

    @property
    def ended(self) -> bool:
        """Says whether nothing can happen any more."""
        return self.pair.current is State.TERMINATED

    def begin(self, step: Step) -> None:
        """Checks that a step is allowed now, and notes its goal while it takes its time.

        Raises:
            Busy: another step is on its way.
            InvalidState: the table has no such step from here.
        """
        current, pending = self.pair.current, self.pair.pending
        if pending is not None and step not in _ALWAYS_ALLOWED:
            raise Busy(f"Activity is busy: {current} -> {pending}")
        goal = TRANSITIONS.get((current, step))
        if goal is None:
            raise InvalidState(f"{_EXPECTED[current]}, not {step}()")
        if step not in _BESIDE_OTHERS:
            self.pair = StatePair(current, goal)

    def succeed(self, step: Step) -> None:
        """Enters the state that a step leads to."""
        if step not in _BESIDE_OTHERS:
            self.pair = StatePair(TRANSITIONS[self.pair.current, step])

    def fail(self, step: Step) -> None:
        """Enters the state that a failed step leaves; the goal of a step that came between stays pending."""
        current, pending = self.pair.current, self.pair.pending
        if step not in _BESIDE_OTHERS:
            own_goal = TRANSITIONS.get((current, step))
            self.pair = StatePair(AFTER_FAILURE.get((current, step), current), None if pending is own_goal else pending)
