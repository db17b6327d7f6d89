"""`golem-vpn network …`: virtual networks and their nodes."""

import msgspec
from cyclopts import App, Group

from golem_vpn.cli.console import out, show_json, show_object, show_rows
from golem_vpn.cli.options import Common
from golem_vpn.cli.session import with_client
from golem_vpn.sdk.client import Client
from golem_vpn.sdk.models import Address, Connection, Network, NetworkNode


class NetworkView(msgspec.Struct):
    """What `network show` prints: the REST objects of one network."""

    network: Network
    addresses: list[Address]
    nodes: list[NetworkNode]
    connections: list[Connection]


def register(app: App, group: Group) -> None:
    """Adds the commands."""
    network = App(name="network", group=group, help="Virtual networks and their nodes.")
    app.command(network)
    for command in (create, ls, show, rm, add_node, rm_node):
        network.command(command)


def create(cidr: str, /, *, mask: str | None = None, gateway: str | None = None, common: Common = Common()) -> None:
    """Create a network and print its id.

    Args:
        cidr: Its addresses, for instance 192.168.0.0/24 or fd00:1::/64.
        mask: The mask, where the addresses are given without a prefix length.
        gateway: The gateway's address; the first host by default.
    """
    made = with_client(common.data_dir, lambda client: client.create_network(cidr, mask=mask, gateway=gateway))
    if common.json:
        show_json(made)
    else:
        out.print(made.id)


def ls(*, common: Common = Common()) -> None:
    """List the networks that this daemon owns."""
    networks = with_client(common.data_dir, lambda client: client.networks())
    show_rows({"network": "id", "addresses": "ip", "mask": "mask", "gateway": "gateway"}, networks, common.json)


def show(network: str, /, *, common: Common = Common()) -> None:
    """Print a network with its nodes and connections.

    Args:
        network: Its id.
    """

    async def read(client: Client) -> NetworkView:
        return NetworkView(
            network=await client.network(network),
            addresses=await client.addresses(network),
            nodes=await client.network_nodes(network),
            connections=await client.connections(network),
        )

    view = with_client(common.data_dir, read)
    if common.json:
        show_json(view)
        return
    found = view.network
    fields = {"network": found.id, "range": found.ip, "gateway": found.gateway,
              "own addresses": [address.ip for address in view.addresses]}  # fmt: skip
    show_object(fields, view, as_json=False)
    show_rows({"address": "ip", "node": "id"}, view.nodes, as_json=False)


def rm(network: str, /, *, common: Common = Common()) -> None:
    """Remove a network; its members are cut off.

    Args:
        network: Its id.
    """
    with_client(common.data_dir, lambda client: client.remove_network(network))
    show_object({"removed": network}, {"removed": network}, common.json)


def add_node(network: str, node_id: str, ip: str | None = None, /, *, common: Common = Common()) -> None:
    """Add a node to a network.

    Args:
        network: The network's id.
        node_id: The node's id, as `golem-vpn me` prints it.
        ip: Its virtual address; the first free one where none is given.
    """

    node = with_client(common.data_dir, lambda client: client.add_node(network, node_id, ip))
    if common.json:
        show_json(node)
    else:
        out.print(node.ip)


def rm_node(network: str, node_id: str, /, *, common: Common = Common()) -> None:
    """Remove a node from a network; it is cut off.

    Args:
        network: The network's id.
        node_id: The node's id.
    """
    with_client(common.data_dir, lambda client: client.remove_node(network, node_id))
    show_object({"removed": node_id}, {"removed": node_id}, common.json)
