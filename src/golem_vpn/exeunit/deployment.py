"""From a `deploy` command to what the runtime is asked for."""

import re
from ipaddress import ip_interface
from pathlib import Path

import msgspec

from golem_vpn.errors import InvalidInput
from golem_vpn.exeunit.runtimes.base import Deployment, Limits, NetworkAddress, Volume
from golem_vpn.exeunit.script import Deploy, DeployNetwork
from golem_vpn.exeunit.volumes import plan_volumes
from golem_vpn.images.packages import Package
from golem_vpn.vpn.addresses import Subnet, parse_address

MAX_ADDRESSES = 64
"""Far above what payloads have; bounds what one activity can ask of the data plane."""

_NETWORK_ID = re.compile(r"[0-9a-f]{32}")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider has decided about an activity before its requestor says a word."""

    activity_id: str
    requestor: str
    """The identity that the agreement is with; the payload joins its networks only."""
    work_dir: Path
    task_package: str | None = None
    """As the demand names it."""
    limits: Limits = Limits()
    hidden: tuple[Path, ...] = ()


def plan_deployment(place: Place, command: Deploy, package: Package | None = None) -> Deployment:
    """Checks a `deploy` command and says what it means for the runtime.

    Raises:
        InvalidInput: a network or a name is not as it should be.
    """
    if len(command.net) > MAX_ADDRESSES:
        raise InvalidInput(f"net has {len(command.net)} entries, {MAX_ADDRESSES} are allowed")
    networks = tuple(_network_address(index, entry) for index, entry in enumerate(command.net))
    if len(set(networks)) != len(networks):
        raise InvalidInput("net has the same address in the same network twice")
    return Deployment(
        activity_id=place.activity_id,
        work_dir=place.work_dir,
        task_package=package.path if package else None,
        networks=networks,
        volumes=_volumes(place, command),
        hosts=tuple((name, _host_address(name, address)) for name, address in command.hosts.items()),
        hostname=command.hostname,
        env=(*(package.env if package else ()), *command.env.items()),
        limits=place.limits,
        hidden=place.hidden,
    )


def _volumes(place: Place, command: Deploy) -> tuple[Volume, ...]:
    volumes = plan_volumes(command.volumes)
    in_memory = sum(volume.size_bytes or 0 for volume in volumes if volume.in_memory)
    if place.limits.memory_bytes is not None and in_memory > place.limits.memory_bytes:
        raise InvalidInput(f"volumes: {in_memory} bytes in memory, the agreement has {place.limits.memory_bytes}")
    return volumes


def _network_address(index: int, entry: DeployNetwork) -> NetworkAddress:
    try:
        if not _NETWORK_ID.fullmatch(entry.id):
            raise InvalidInput(f"{entry.id!r} is not a network id")
        subnet = Subnet.parse(entry.ip, entry.mask, entry.gateway)
        address = subnet.parse_node_address(entry.node_ip)
    except InvalidInput as error:
        raise InvalidInput(f"net[{index}]: {error.message}") from error
    return NetworkAddress(entry.id, ip_interface(subnet.with_prefix_length(address)))


def _host_address(name: str, text: str) -> str:
    try:
        return str(parse_address(text))
    except InvalidInput as error:
        raise InvalidInput(f"hosts[{name!r}]: {error.message}") from error
