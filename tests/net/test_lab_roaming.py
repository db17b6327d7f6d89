"""What befalls nodes that talk: traffic goes on. How long the outage was is told at the end of the tests."""

import os
from collections.abc import Iterator

import pytest

from tests.lab.pulse import Pulse
from tests.lab.sites import HOME, PUBLIC, SYMMETRIC, Kind
from tests.lab.stage import ADDRESSES, EVENTS, Event, Stage, stage
from tests.net.summary import Summary

pytestmark = [
    pytest.mark.network,
    pytest.mark.timeout(240),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can name network namespaces"),
]

PATHS = {(HOME, PUBLIC): "direct", (HOME, HOME): "direct", (SYMMETRIC, SYMMETRIC): "relayed"}
CASES = [
    pytest.param(kinds, path, event, id=f"{kinds[0].name} to {kinds[1].name}, {name}")
    for kinds, path in PATHS.items()
    for name, event in EVENTS[path].items()
]


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Machines at sites of two kinds."""
    kinds: tuple[Kind, Kind] = request.param
    with stage(tmp_path_factory.mktemp("nodes"), kinds) as made:
        yield made


@pytest.mark.parametrize(("pair", "path", "event"), CASES, indirect=["pair"])
def test_traffic_goes_on_after(
    pair: Stage, path: str, event: Event, summary: Summary, request: pytest.FixtureRequest
) -> None:
    with Pulse(pair.nodes[0].machine, ADDRESSES[1]) as pulse:
        pulse.wait_steady()
        pair.wait_path(path)
        with event(pair) as began:
            pulse.wait_steady()
            outage = pulse.longest_silence(began)
        pulse.wait_steady()
    summary("outages", f"{request.node.callspec.id}: {outage:.2f} s without an echo")
