from golem_vpn.exeunit.state import State, StatePair
from golem_vpn.exeunit.status import DURATION, PROCESSOR_TIME, ActivityStatus, Usage


def test_a_state_in_the_form_of_the_api() -> None:
    assert ActivityStatus(StatePair(State.DEPLOYED, State.READY)).as_json() == {"state": ["Deployed", "Ready"]}
    assert ActivityStatus(StatePair(State.TERMINATED), "restarted", "lost").as_json() == {
        "state": ["Terminated", None],
        "reason": "restarted",
        "errorMessage": "lost",
    }


def test_usage_in_the_order_of_the_agreement() -> None:
    usage = Usage({DURATION: 2.5, PROCESSOR_TIME: 0.5}, 1_700_000_000)
    assert usage.in_order_of([PROCESSOR_TIME, "golem.usage.gib", DURATION]).as_json() == {
        "currentUsage": [0.5, 0.0, 2.5],
        "timestamp": 1_700_000_000,
    }
