"""Machines at sites of every kind share a network, and each pair carries TCP and UDP."""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.lab.laboratory import laboratory
from tests.lab.nodes import Node, Nodes, attach
from tests.lab.sites import DOUBLE, FIREWALL, HOME, PUBLIC, ROUGH, SYMMETRIC, Kind
from tests.lab.traffic import check_datagrams, check_stream, echo

pytestmark = [
    pytest.mark.network,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can name network namespaces"),
]

KINDS = (PUBLIC, ROUGH, HOME, DOUBLE, SYMMETRIC, FIREWALL)
PAIRS = [(inner, outer) for outer in (PUBLIC, ROUGH) for inner in (HOME, DOUBLE, SYMMETRIC, FIREWALL, ROUGH)]
"""The first one begins."""

Members = dict[Kind, list[tuple[Node, str]]]


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Members]:
    """Two machines at sites of each kind, attached to one network, and their addresses in it."""
    with ExitStack() as stack:
        lab = stack.enter_context(laboratory())
        nodes = Nodes(tmp_path_factory.mktemp("nodes"), stack)
        hub = nodes.hub(lab.site(PUBLIC).machine)
        sites = [lab.site(kind) for kind in (*KINDS, ROUGH)]
        joined = nodes.join(hub, {site.machine: () for site in sites})
        addresses = {node: f"10.97.0.{place}" for place, node in enumerate(joined, start=2)}
        attach(hub, addresses)
        made: Members = {}
        for site, (node, address) in zip(sites, addresses.items(), strict=True):
            stack.enter_context(echo(node.machine))
            made.setdefault(site.kind, []).append((node, address))
        yield made


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda kind: kind.name)
def test_machines_exchange_datagrams_and_streams(members: Members, one: Kind, other: Kind) -> None:
    (near, _), (far, address) = members[one][0], members[other][-1]
    assert near is not far
    check_datagrams(near.machine, address)
    check_stream(near.machine, address)
