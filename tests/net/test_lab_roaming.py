"""What befalls nodes that talk: traffic goes on. How long the outage was is told at the end of the tests."""

import os
from collections.abc import Iterator

import pytest

from tests.lab.pulse import Pulse
from tests.lab.sites import HOME, PUBLIC
from tests.lab.stage import ADDRESSES, EVENTS, Event, Stage, stage
from tests.net.summary import Summary

pytestmark = [
    pytest.mark.network,
    pytest.mark.timeout(180),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can name network namespaces"),
]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A machine at home that talks to one in the internet."""
    with stage(tmp_path_factory.mktemp("nodes"), (HOME, PUBLIC)) as made:
        yield made


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_traffic_goes_on_after(event: Event, pair: Stage, summary: Summary, request: pytest.FixtureRequest) -> None:
    show_that_traffic_goes_on(event, pair, summary, request.node.callspec.id)


def show_that_traffic_goes_on(event: Event, pair: Stage, summary: Summary, name: str) -> None:
    """Lets something happen amid traffic, and tells how long the outage was."""
    with Pulse(pair.nodes[0].machine, ADDRESSES[1]) as pulse:
        pulse.wait_steady()
        with event(pair) as began:
            pulse.wait_steady()
            summary("outages", f"{name}: {pulse.longest_silence(began):.2f} s without an echo")
        pulse.wait_steady()
