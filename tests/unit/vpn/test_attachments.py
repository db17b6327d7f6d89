from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import anyio
import pytest

from golem_vpn.errors import Conflict, InvalidInput, NotFound, RuntimeUnavailable
from golem_vpn.vpn.attachments import Attachment, Attachments, Document

NODE = "0x" + "1" * 40
NETWORK = "e" * 32


@dataclass(frozen=True)
class Paper:
    addresses: tuple[str, ...]
    id: str = NETWORK
    prefixes: tuple[str, ...] = ("10.0.0.0/24", "fd00::/64")

    def addresses_of(self, node_id: str) -> tuple[str, ...]:
        return self.addresses if node_id == NODE else ()


@dataclass
class Desk:
    papers: dict[str, Paper] = field(default_factory=dict)
    watchers: list[Callable[[Document], None]] = field(default_factory=list)

    def document(self, network_id: str) -> Paper | None:
        return self.papers.get(network_id)

    def watch(self, watcher: Callable[[Document], None]) -> None:
        self.watchers.append(watcher)

    def put(self, *addresses: str) -> None:
        self.papers[NETWORK] = Paper(addresses)
        for watcher in self.watchers:
            watcher(self.papers[NETWORK])


@dataclass
class Wall:
    """Has interfaces plugged in, as far as it may."""

    allowed: bool = True
    plugged: dict[int, tuple[str, list[str]]] = field(default_factory=dict)

    def create(self, name: str, network_id: str, addresses: Sequence[str]) -> int:
        if not self.allowed:
            raise RuntimeUnavailable("needs root")
        assert network_id == NETWORK
        self.plugged[7] = name, list(addresses)
        return 7

    def allow(self, interface: int, network_id: str, addresses: Sequence[str]) -> None:
        self.plugged[interface] = self.plugged[interface][0], list(addresses)

    def remove(self, interface: int) -> None:
        del self.plugged[interface]


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def attachments(desk: Desk, wall: Wall) -> Attachments:
    return Attachments(desk, wall, NODE, gate_addresses=lambda _network: ["10.0.0.1"])


def test_the_machine_gets_the_nodes_addresses(attachments: Attachments, desk: Desk, wall: Wall) -> None:
    desk.put("10.0.0.1", "10.0.0.5", "fd00::5")
    made = attachments.attach(NETWORK, "vpn0")
    assert made == Attachment(NETWORK, "vpn0", ("10.0.0.5/24", "fd00::5/64"))
    assert attachments.list() == (made,)
    assert wall.plugged == {7: ("vpn0", ["10.0.0.5/24", "fd00::5/64"])}
    attachments.detach(NETWORK)
    assert attachments.list() == ()
    assert wall.plugged == {}
    with pytest.raises(NotFound):
        attachments.detach(NETWORK)


def test_who_is_no_member_is_not_attached(attachments: Attachments, desk: Desk) -> None:
    with pytest.raises(NotFound, match="no such network"):
        attachments.attach(NETWORK, "vpn0")
    desk.put()
    with pytest.raises(NotFound, match="no such network"):
        attachments.attach(NETWORK, "vpn0")


@pytest.mark.anyio
async def test_who_is_added_only_now_can_wait_for_that(attachments: Attachments, desk: Desk) -> None:
    desk.put()
    made: list[Attachment] = []

    async def wait() -> None:
        made.append(await attachments.attach_when_known(NETWORK, "vpn0", 10.0))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        desk.put()
        await anyio.wait_all_tasks_blocked()
        assert made == []
        desk.put("10.0.0.5")
    assert made == [Attachment(NETWORK, "vpn0", ("10.0.0.5/24",))]


@pytest.mark.anyio
@pytest.mark.parametrize("timeout", [0.0, 0.01])
async def test_nobody_waits_longer_than_told(attachments: Attachments, timeout: float) -> None:
    with pytest.raises(NotFound, match="no such network"):
        await attachments.attach_when_known(NETWORK, "vpn0", timeout)


@pytest.mark.anyio
async def test_what_waiting_does_not_mend_is_told_at_once(attachments: Attachments) -> None:
    with anyio.fail_after(1), pytest.raises(InvalidInput):
        await attachments.attach_when_known(NETWORK, "eth0", 60.0)


def test_the_gates_addresses_are_not_given_twice(attachments: Attachments, desk: Desk) -> None:
    desk.put("10.0.0.1")
    with pytest.raises(Conflict, match="gate"):
        attachments.attach(NETWORK, "vpn0")


def test_once_is_enough(attachments: Attachments, desk: Desk) -> None:
    desk.put("10.0.0.5")
    attachments.attach(NETWORK, "vpn0")
    with pytest.raises(Conflict, match="vpn0"):
        attachments.attach(NETWORK, "vpn1")


@pytest.mark.parametrize("name", ["", "eth0", "vpn/0", "vpn0123456789abcd", "vpn 0", "vpn\n"])
def test_other_names_are_refused(attachments: Attachments, desk: Desk, name: str) -> None:
    desk.put("10.0.0.5")
    with pytest.raises(InvalidInput):
        attachments.attach(NETWORK, name)


def test_a_failure_leaves_nothing(attachments: Attachments, desk: Desk, wall: Wall) -> None:
    desk.put("10.0.0.5")
    wall.allowed = False
    with pytest.raises(RuntimeUnavailable):
        attachments.attach(NETWORK, "vpn0")
    assert attachments.list() == ()


def test_lost_addresses_are_not_used_any_more(attachments: Attachments, desk: Desk, wall: Wall) -> None:
    desk.put("10.0.0.5", "10.0.0.6")
    attachments.attach(NETWORK, "vpn0")
    desk.put("10.0.0.6", "10.0.0.7")
    assert wall.plugged == {7: ("vpn0", ["10.0.0.6"])}
    assert attachments.list()[0].addresses == ("10.0.0.6/24",)
    desk.put()
    assert attachments.list() == ()
    assert wall.plugged == {}
