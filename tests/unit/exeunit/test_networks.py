from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_interface
from pathlib import Path

import msgspec
import pytest

from golem_vpn.errors import Conflict, Forbidden, Gone, InvalidInput, PeerUnreachable
from golem_vpn.exeunit.networks import MemberNetworks
from golem_vpn.exeunit.runtimes.base import NetworkAddress, TunDevice
from golem_vpn.net.dataplane import Attachment
from golem_vpn.net.document import MemberEntry, NetworkDocument
from golem_vpn.net.memory import MemoryWire
from tests.unit.net.kit import cluster

pytestmark = pytest.mark.anyio

OWNER, NODE, OTHER = ("0x" + letter * 40 for letter in "abc")
DEVICE = TunDevice(fd=9, name="vpn0", mtu=1420)
DOCUMENT = NetworkDocument(
    id="1" * 32,
    version=3,
    owner=OWNER,
    node=OWNER,
    prefixes=("10.1.0.0/16", "fd00::/64"),
    members=(MemberEntry(NODE, ("10.1.0.7", "10.1.0.8", "fd00::7")), MemberEntry(OTHER, ("10.1.0.9",))),
    deleted=False,
    issued_at=0,
)


@dataclass(frozen=True)
class Draft:
    """What a real owner publishes."""

    id: str
    owner: str
    prefixes: tuple[str, ...]
    members: Mapping[str, tuple[str, ...]]


@dataclass
class Owner:
    """Answers with its documents."""

    documents: list[NetworkDocument]

    async def fetch(self, network_id: str, from_node: str) -> NetworkDocument:
        if from_node != OWNER:
            raise PeerUnreachable(f"{from_node} is away")
        for document in self.documents:
            if document.id == network_id:
                return document
        raise Forbidden("only the members of a network may ask for it")


@dataclass
class NotedDevices:
    """Notes what is attached."""

    attached: dict[int, list[Attachment]] = field(default_factory=dict)

    def add_tun(self, fd: int, name: str, attachments: Sequence[Attachment], mtu: int) -> int:
        assert (fd, name, mtu) == (DEVICE.fd, DEVICE.name, DEVICE.mtu)
        self.attached[len(self.attached)] = list(attachments)
        return len(self.attached) - 1

    def remove_device(self, device: int) -> None:
        del self.attached[device]


def networks_of(*documents: NetworkDocument) -> tuple[MemberNetworks, NotedDevices]:
    devices = NotedDevices()
    return MemberNetworks(NODE, Owner(list(documents)), devices), devices


def at(address: str, network_id: str = DOCUMENT.id) -> NetworkAddress:
    return NetworkAddress(network_id, ip_interface(address))


async def test_join_and_leave() -> None:
    networks, devices = networks_of(DOCUMENT)
    handle = await networks.join(OWNER, DEVICE, [at("10.1.0.7/16"), at("fd00::7/64")])
    assert devices.attached == {handle: [("1" * 32, ["10.1.0.7", "fd00::7"])]}
    networks.leave(handle)
    assert devices.attached == {}


async def test_two_networks() -> None:
    second = msgspec.structs.replace(DOCUMENT, id="2" * 32)
    networks, devices = networks_of(DOCUMENT, second)
    await networks.join(OWNER, DEVICE, [at("10.1.0.7/16"), at("10.1.0.7/16", second.id)])
    assert devices.attached == {0: [("1" * 32, ["10.1.0.7"]), ("2" * 32, ["10.1.0.7"])]}


async def test_payloads_of_one_provider_share_a_network_but_no_address() -> None:
    networks, _ = networks_of(DOCUMENT)
    first = await networks.join(OWNER, DEVICE, [at("10.1.0.7/16")])
    await networks.join(OWNER, DEVICE, [at("10.1.0.8/16")])
    with pytest.raises(Conflict, match=r"has 10\.1\.0\.7 in network 1"):
        await networks.join(OWNER, DEVICE, [at("10.1.0.7/16")])
    networks.leave(first)
    await networks.join(OWNER, DEVICE, [at("10.1.0.7/16")])


@pytest.mark.parametrize(
    ("change", "address", "error", "text"),
    [
        ({"owner": OTHER}, "10.1.0.7/16", Forbidden, "not owned by 0xa"),
        ({"deleted": True, "prefixes": (), "members": ()}, "10.1.0.7/16", Gone, "was removed"),
        ({}, "10.1.0.7/24", InvalidInput, "is 10.1.0.0/16, fd00::/64, deploy\\(\\) said 10.1.0.0/24"),
        ({}, "10.1.0.9/16", InvalidInput, "does not have this provider at 10.1.0.9; add the node"),
    ],
)
async def test_what_the_document_does_not_allow(
    change: dict[str, object], address: str, error: type[Exception], text: str
) -> None:
    networks, devices = networks_of(msgspec.structs.replace(DOCUMENT, **change))
    with pytest.raises(error, match=text):
        await networks.join(OWNER, DEVICE, [at(address)])
    assert devices.attached == {}


async def test_a_network_that_does_not_have_this_node() -> None:
    networks, _ = networks_of()
    with pytest.raises(Forbidden, match=r"network 1{32}: only the members .* is this provider a node"):
        await networks.join(OWNER, DEVICE, [at("10.1.0.7/16")])


async def test_with_the_documents_of_a_real_owner(tmp_path: Path) -> None:
    async with cluster(MemoryWire(), tmp_path) as nodes:
        owner = await nodes.start("owner", hub=True)
        provider = await nodes.start("provider", join=owner)
        devices = NotedDevices()
        networks = MemberNetworks(provider.id, provider.node.membership, devices)
        with pytest.raises(Forbidden, match="is this provider a node of the network"):
            await networks.join(owner.id, DEVICE, [at("10.1.0.7/16")])
        members = {owner.id: ("10.1.0.1",), provider.id: ("10.1.0.7",)}
        await owner.node.membership.publish(Draft(DOCUMENT.id, owner.id, ("10.1.0.0/16",), members))
        await networks.join(owner.id, DEVICE, [at("10.1.0.7/16")])
        assert devices.attached == {0: [(DOCUMENT.id, ["10.1.0.7"])]}


async def test_an_owner_that_cannot_be_asked() -> None:
    networks, _ = networks_of(DOCUMENT)
    with pytest.raises(PeerUnreachable):
        await networks.join(OTHER, DEVICE, [at("10.1.0.7/16")])
