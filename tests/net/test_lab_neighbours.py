"""Machines of one home find each other inside, however the internet sees them."""

from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.lab.laboratory import laboratory
from tests.lab.nodes import Nodes, attach
from tests.lab.sites import HOME, PUBLIC
from tests.lab.stage import ADDRESSES
from tests.lab.traffic import check_datagrams, check_stream, echo

pytestmark = [
    pytest.mark.network,
    pytest.mark.timeout(180),
    pytest.mark.root,
]

PATIENCE = 20.0


def test_machines_of_one_home_talk_inside(tmp_path: Path) -> None:
    with ExitStack() as stack:
        lab = stack.enter_context(laboratory())
        nodes = Nodes(tmp_path, stack)
        hub = nodes.hub(lab.site(PUBLIC).machine)
        one, other = nodes.join(hub, dict.fromkeys(lab.site(HOME, machines=2).machines, ()))
        attach(hub, dict(zip((one, other), ADDRESSES, strict=True)))
        stack.enter_context(echo(other.machine))
        check_datagrams(one.machine, ADDRESSES[1])
        check_stream(one.machine, ADDRESSES[1])
        deadline = monotonic() + PATIENCE
        while not str((path := one.peer(other)["path"])["address"]).startswith("192.168.1."):
            assert monotonic() < deadline, path
            sleep(0.2)
        assert path["kind"] == "direct"
