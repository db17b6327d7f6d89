from pathlib import Path

import pytest

from golem_vpn.errors import Conflict
from golem_vpn.net.memory import MemoryWire
from golem_vpn.net.messages import Confirmed, UpdateNetwork
from tests.unit.net.kit import cluster, eventually, make_node, running
from tests.unit.net.test_membership import NETWORK, OTHER_NETWORK, Draft

pytestmark = pytest.mark.anyio


async def test_a_network_that_a_member_refuses_holds_up_no_other(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        owner = await nodes.start("owner")
        picky = make_node(wire, tmp_path, "picky")
        asked: list[str] = []

        @picky.control.on(UpdateNetwork)
        async def answer(_sender: str, message: UpdateNetwork) -> Confirmed:
            first = NETWORK.encode() in message.document.body
            asked.append("first" if first else "second")
            if first:
                raise Conflict("not this one")
            return Confirmed(1)

        owner.node.control.book.learn(picky.control.own_record.current().signed)
        async with running(picky):
            for network_id in (NETWORK, OTHER_NETWORK):
                members = {picky.id: ("10.0.0.2",)}
                await owner.node.membership.publish(Draft(network_id, owner.id, ("10.0.0.0/24",), members))
            await eventually(lambda: "second" in asked and asked.count("first") > 1)
            assert asked.count("second") == 1


async def test_a_member_that_is_behind_is_told_until_it_follows(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        owner = await nodes.start("owner")
        slow = make_node(wire, tmp_path, "slow")
        versions = [1, 0, 0]

        @slow.control.on(UpdateNetwork)
        async def answer(_sender: str, _message: UpdateNetwork) -> Confirmed:
            return Confirmed(versions.pop())

        owner.node.control.book.learn(slow.control.own_record.current().signed)
        async with running(slow):
            members = {slow.id: ("10.0.0.2",)}
            await owner.node.membership.publish(Draft(NETWORK, owner.id, ("10.0.0.0/24",), members))
            await eventually(lambda: not versions)
