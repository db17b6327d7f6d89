"""Nodes that go through relays only send nobody anything else, so that none learns an address from them."""

from pathlib import Path

import pytest

from tests.lab.pulse import Pulse
from tests.lab.rules import WIDE
from tests.lab.sites import HOME
from tests.lab.stage import ADDRESSES, peer_restart, stage
from tests.lab.tap import IP, Tap

pytestmark = [
    pytest.mark.network,
    pytest.mark.timeout(240),
    pytest.mark.root,
]

IPV4, TCP, UDP = b"\x08\x00", 6, 17
PROTOCOL = IP + 9


def test_control_connections_and_packets_go_through_relays_and_no_other_way(tmp_path: Path) -> None:
    with (
        stage(tmp_path, (HOME, HOME), "--relayed-only") as made,
        Tap(made.sites[0].machine, WIDE) as tap,
        Pulse(made.nodes[0].machine, ADDRESSES[1]) as pulse,
    ):
        # A peer that comes anew is connected anew, which is when iroh tells addresses.
        with peer_restart(made):
            pulse.wait_steady()
        path = made.path()
    assert (path["kind"], path["reason"]) == ("relayed", "only relayed by policy")
    protocols = {frame[PROTOCOL] for frame in tap.frames if frame[IP - 2 : IP] == IPV4}
    assert TCP in protocols
    assert UDP not in protocols
