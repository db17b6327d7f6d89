"""What befalls nodes that talk: traffic goes on. How long the outage was is told at the end of the tests."""

from collections.abc import Callable, Iterable, Iterator

import pytest

from tests.lab.pulse import Pulse
from tests.lab.sites import HOME, PUBLIC, SYMMETRIC, Kind
from tests.lab.stage import ADDRESSES, EVENTS, Event, Stage, stage
from tests.net.summary import Summary

pytestmark = [
    pytest.mark.network,
    pytest.mark.timeout(240),
    pytest.mark.root,
]

DIRECT = ((HOME, PUBLIC), (HOME, HOME))
RELAYED = ((SYMMETRIC, SYMMETRIC),)


def between(pairs: Iterable[tuple[Kind, Kind]]) -> pytest.MarkDecorator:
    """Has a test run between machines at sites of these kinds.

    It is a parametrisation of its own: one that names events as well would set machines up for each event.
    """
    return pytest.mark.parametrize(
        "pair", pairs, indirect=True, ids=lambda kinds: f"{kinds[0].name} to {kinds[1].name}"
    )


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Machines at sites of two kinds."""
    kinds: tuple[Kind, Kind] = request.param
    with stage(tmp_path_factory.mktemp("nodes"), kinds) as made:
        yield made


@pytest.fixture
def outage(summary: Summary, request: pytest.FixtureRequest) -> Callable[[float], None]:
    """Takes how many seconds a test has waited for an echo."""
    return lambda seconds: summary("outages", f"{request.node.callspec.id}: {seconds:.2f} s without an echo")


@pytest.mark.parametrize("event", EVENTS["direct"])
@between(DIRECT)
def test_traffic_goes_on_over_a_direct_path(pair: Stage, event: str, outage: Callable[[float], None]) -> None:
    outage(silence_after(EVENTS["direct"][event], pair, "direct"))


@pytest.mark.parametrize("event", EVENTS["relayed"])
@between(RELAYED)
def test_traffic_goes_on_over_relays(pair: Stage, event: str, outage: Callable[[float], None]) -> None:
    outage(silence_after(EVENTS["relayed"][event], pair, "relayed"))


def silence_after(event: Event, pair: Stage, path: str) -> float:
    """Has something happen to a path of a kind, waits until traffic goes on, and gives the seconds without an echo."""
    with Pulse(pair.nodes[0].machine, ADDRESSES[1]) as pulse:
        pulse.wait_steady()
        pair.wait_path(path)
        with event(pair) as began:
            pulse.wait_steady()
            silence = pulse.longest_silence(began)
        pulse.wait_steady()
    return silence
