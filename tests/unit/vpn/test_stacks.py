"""Which stack a network gets, and what takes the place of one that is lost."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from golem_vpn.errors import ConnectionRefused, ConnectionTimeout, Overloaded
from golem_vpn.net.native_dataplane import Namespaces, NativeDataPlane, NativeError, StreamFailed
from golem_vpn.vpn.stacks import NativeStacks

pytestmark = pytest.mark.anyio

NETWORK = "7" * 32
ADDRESSES = ["10.0.0.1/24"]


@dataclass
class Native:
    """A stack whose connections fail for the reasons told, in turn, and then succeed."""

    addresses: list[str]
    namespaces: Namespaces | None
    reasons: list[str]
    refuses_addresses: bool = False
    closed: bool = False

    async def connect(self, ip: str, port: int, timeout: float) -> str:
        if not self.reasons:
            return f"{ip}:{port}"
        failure = StreamFailed("no stream")
        failure.reason = cast("Any", self.reasons.pop(0))
        raise failure

    def set_addresses(self, attachments: object, addresses: Sequence[str]) -> None:
        if self.refuses_addresses:
            raise NativeError("no addresses")
        self.addresses = list(addresses)

    def close(self) -> None:
        self.closed = True


@dataclass
class DataPlane:
    """Makes such stacks, the first with these reasons; refuses namespaces if told to."""

    reasons: list[str] = field(default_factory=list)
    refuses_namespaces: bool = False
    stacks: list[Native] = field(default_factory=list)

    def add_stack(self, attachments: object, addresses: Sequence[str], namespaces: Namespaces | None) -> Native:
        if self.refuses_namespaces and namespaces is not None:
            raise NativeError("no room for a namespace")
        self.stacks.append(Native(list(addresses), namespaces, self.reasons))
        return self.stacks[-1]


@dataclass
class Helpers:
    """Has namespaces, and others after these were lost, as long as there are some."""

    all: list[Namespaces]

    async def namespaces(self) -> Namespaces | None:
        return self.all[0] if self.all else None

    async def renew(self, lost: Namespaces) -> None:
        if self.all and self.all[0] is lost:
            del self.all[0]


def namespaces(count: int) -> list[Namespaces]:
    return [cast("Namespaces", object()) for _ in range(count)]


def stacks(data_plane: DataPlane, helpers: Helpers | None) -> NativeStacks:
    return NativeStacks(cast("NativeDataPlane", data_plane), helpers)


async def test_the_kernels_stack_is_taken_where_there_are_namespaces() -> None:
    (given,) = namespaces(1)
    for helpers, expected in [(Helpers([given]), given), (Helpers([]), None), (None, None)]:
        data_plane = DataPlane()
        await stacks(data_plane, helpers).open(NETWORK, ADDRESSES)
        assert [(stack.addresses, stack.namespaces) for stack in data_plane.stacks] == [(ADDRESSES, expected)]


async def test_a_network_without_room_for_a_namespace_gets_a_stack_in_user_space() -> None:
    data_plane = DataPlane(refuses_namespaces=True)
    await stacks(data_plane, Helpers(namespaces(1))).open(NETWORK, ADDRESSES)
    assert [stack.namespaces for stack in data_plane.stacks] == [None]


@pytest.mark.parametrize("spare", [0, 1])
async def test_a_lost_stack_is_replaced_and_the_caller_does_not_notice(spare: int) -> None:
    all_namespaces = namespaces(1 + spare)
    data_plane = DataPlane(["lost"])
    stack = await stacks(data_plane, Helpers(list(all_namespaces))).open(NETWORK, ADDRESSES)
    await stack.set_addresses(["10.0.0.9/24"])
    assert cast("object", await stack.connect("10.0.0.2", 80, 5)) == "10.0.0.2:80"
    lost, other = data_plane.stacks
    assert lost.closed
    assert (other.addresses, other.namespaces) == (["10.0.0.9/24"], all_namespaces[1] if spare else None)


async def test_a_stack_that_takes_no_addresses_is_replaced() -> None:
    data_plane = DataPlane()
    stack = await stacks(data_plane, Helpers(namespaces(1))).open(NETWORK, ADDRESSES)
    data_plane.stacks[0].refuses_addresses = True
    await stack.set_addresses(["10.0.0.9/24"])
    assert data_plane.stacks[0].closed
    assert data_plane.stacks[1].addresses == ["10.0.0.9/24"]
    data_plane.stacks[1].refuses_addresses = True
    with pytest.raises(NativeError):
        await stack.set_addresses(ADDRESSES)


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("refused", ConnectionRefused),
        ("no-route", ConnectionRefused),
        ("timed-out", ConnectionTimeout),
        ("too-many", Overloaded),
    ],
)
async def test_what_a_stack_says_becomes_an_error_of_the_daemon(reason: str, error: type[Exception]) -> None:
    stack = await stacks(DataPlane([reason]), None).open(NETWORK, ADDRESSES)
    with pytest.raises(error, match=r"10\.0\.0\.2 port 80"):
        await stack.connect("10.0.0.2", 80, 5)
