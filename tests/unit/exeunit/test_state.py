from itertools import product

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from golem_vpn.errors import Conflict
from golem_vpn.exeunit.script import COMMANDS
from golem_vpn.exeunit.state import TRANSITIONS, Busy, InvalidState, State, StateMachine, StatePair, Step

LEGAL = {
    (State.NEW, Step.INITIALIZE, State.INITIALIZED),
    (State.INITIALIZED, Step.DEPLOY, State.DEPLOYED),
    (State.DEPLOYED, Step.START, State.READY),
    (State.READY, Step.RUN, State.READY),
    (State.READY, Step.TRANSFER, State.READY),
    (State.INITIALIZED, Step.SIGN, State.INITIALIZED),
    (State.DEPLOYED, Step.SIGN, State.DEPLOYED),
    (State.READY, Step.SIGN, State.READY),
    (State.INITIALIZED, Step.TERMINATE, State.INITIALIZED),
    (State.DEPLOYED, Step.TERMINATE, State.INITIALIZED),
    (State.READY, Step.TERMINATE, State.INITIALIZED),
    (State.NEW, Step.DESTROY, State.TERMINATED),
    (State.INITIALIZED, Step.DESTROY, State.TERMINATED),
    (State.DEPLOYED, Step.DESTROY, State.TERMINATED),
    (State.READY, Step.DESTROY, State.TERMINATED),
    (State.UNRESPONSIVE, Step.DESTROY, State.TERMINATED),
    (State.TERMINATED, Step.DESTROY, State.TERMINATED),
}
ILLEGAL = sorted(set(product(State, Step)) - {(state, step) for state, step, _ in LEGAL})


def machine(state: State, pending: State | None = None) -> StateMachine:
    result = StateMachine()
    result.pair = StatePair(state, pending)
    return result


def test_the_table_is_what_the_activity_api_says() -> None:
    assert {(state, step, goal) for (state, step), goal in TRANSITIONS.items()} == LEGAL


def test_every_command_is_a_step() -> None:
    assert set(COMMANDS) <= set(Step)


@pytest.mark.parametrize(("state", "step", "goal"), sorted(LEGAL))
def test_legal_step(state: State, step: Step, goal: State) -> None:
    activity = machine(state)
    activity.begin(step)
    activity.succeed(step)
    assert activity.pair == StatePair(goal)


@pytest.mark.parametrize(("state", "step"), ILLEGAL)
def test_illegal_step_changes_nothing(state: State, step: Step) -> None:
    activity = machine(state)
    with pytest.raises(InvalidState, match=f"not {step}"):
        activity.begin(step)
    assert activity.pair == StatePair(state)


@pytest.mark.parametrize(
    ("state", "step", "text"),
    [
        (State.INITIALIZED, Step.RUN, "Activity is initialized - deploy\\(\\) command is expected now"),
        (State.DEPLOYED, Step.RUN, "Activity is deployed - start\\(\\) command is expected now"),
        (State.READY, Step.DEPLOY, "Cannot send command after a successful start\\(\\)"),
        (State.TERMINATED, Step.RUN, "Activity is terminated"),
    ],
)
def test_the_error_says_what_is_expected(state: State, step: Step, text: str) -> None:
    with pytest.raises(InvalidState, match=text):
        machine(state).begin(step)


def test_deploy_and_start_show_their_goal_while_they_last() -> None:
    activity = machine(State.INITIALIZED)
    activity.begin(Step.DEPLOY)
    assert activity.pair == StatePair(State.INITIALIZED, State.DEPLOYED)
    activity.succeed(Step.DEPLOY)
    activity.begin(Step.START)
    assert activity.pair == StatePair(State.DEPLOYED, State.READY)


@pytest.mark.parametrize("step", [Step.DEPLOY, Step.START, Step.RUN, Step.TRANSFER])
def test_a_busy_activity_refuses(step: Step) -> None:
    with pytest.raises(Busy, match="Deployed -> Ready"):
        machine(State.DEPLOYED, State.READY).begin(step)


def test_sign_goes_on_beside_start() -> None:
    activity = machine(State.DEPLOYED, State.READY)
    activity.begin(Step.SIGN)
    activity.succeed(Step.SIGN)
    assert activity.pair == StatePair(State.DEPLOYED, State.READY)


@pytest.mark.parametrize(("step", "goal"), [(Step.TERMINATE, State.INITIALIZED), (Step.DESTROY, State.TERMINATED)])
def test_the_end_does_not_wait_for_a_pending_goal(step: Step, goal: State) -> None:
    activity = machine(State.DEPLOYED, State.READY)
    activity.begin(step)
    activity.succeed(step)
    assert activity.pair == StatePair(goal)


def test_a_failed_step_leaves_the_state_as_it_was() -> None:
    activity = machine(State.INITIALIZED)
    activity.begin(Step.DEPLOY)
    activity.fail(Step.DEPLOY)
    assert activity.pair == StatePair(State.INITIALIZED)


def test_a_failed_start_leaves_no_deployment() -> None:
    activity = machine(State.DEPLOYED)
    activity.begin(Step.START)
    activity.fail(Step.START)
    assert activity.pair == StatePair(State.INITIALIZED)


@pytest.mark.parametrize(("end", "goal"), [(Step.TERMINATE, State.INITIALIZED), (Step.DESTROY, State.TERMINATED)])
def test_a_step_that_fails_because_of_the_end_does_not_hide_it(end: Step, goal: State) -> None:
    activity = machine(State.INITIALIZED)
    activity.begin(Step.DEPLOY)
    activity.begin(end)
    activity.fail(Step.DEPLOY)
    assert activity.pair == StatePair(State.INITIALIZED, goal)
    activity.succeed(end)
    assert activity.pair == StatePair(goal)


class AnyOrderOfSteps(RuleBasedStateMachine):
    """Whatever is tried in whatever order, only what the table has happens."""

    def __init__(self) -> None:
        super().__init__()
        self.activity = StateMachine()

    @rule(step=st.sampled_from(Step), succeeds=st.booleans())
    def try_step(self, step: Step, succeeds: bool) -> None:
        before = self.activity.pair
        try:
            self.activity.begin(step)
        except Conflict:
            assert self.activity.pair == before
            return
        (self.activity.succeed if succeeds else self.activity.fail)(step)
        after_failure = State.INITIALIZED if step is Step.START else before.current
        expected = TRANSITIONS[before.current, step] if succeeds else after_failure
        assert self.activity.pair == StatePair(expected)

    @invariant()
    def nothing_is_pending_between_steps(self) -> None:
        assert self.activity.pair.pending is None


TestAnyOrderOfSteps = AnyOrderOfSteps.TestCase
