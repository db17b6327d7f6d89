"""`golem-vpn me | peers | nodes`: this node and the others."""

from cyclopts import App, Group

from golem_vpn.cli.console import out, show_json, show_rows
from golem_vpn.cli.options import Common
from golem_vpn.cli.peer_lines import peer_line
from golem_vpn.cli.session import with_client


def register(app: App, group: Group) -> None:
    """Adds the commands."""
    for command in (me, peers, nodes):
        app.command(command, group=group)


def me(*, common: Common = Common()) -> None:
    """Print this node's id."""
    identity = with_client(common.data_dir, lambda client: client.me())
    if common.json:
        show_json(identity)
    else:
        out.print(identity.identity)


def peers(*, common: Common = Common()) -> None:
    """List the nodes that share a network with this one, how packets reach them, and why."""
    found = with_client(common.data_dir, lambda client: client.peers())
    columns = {"name": "name", "node": "node_id", "path": "path", "RTT": "rtt", "loss": "loss", "MTU": "mtu",
               "reason": "reason"}  # fmt: skip
    show_rows(columns, found if common.json else map(peer_line, found), common.json)


def nodes(*, common: Common = Common()) -> None:
    """List the nodes that this one can hire or put into networks: those of the joined hubs."""
    found = with_client(common.data_dir, lambda client: client.nodes())
    show_rows({"node": "node_id", "name": "name", "roles": "roles", "online": "online"}, found, common.json)
