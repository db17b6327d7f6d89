"""`golem-vpn me | peers | nodes | ticket | join`: this node and the others."""

from pathlib import Path

from cyclopts import App, Group

from golem_vpn.cli.console import out, show_json, show_object, show_rows
from golem_vpn.cli.options import Common
from golem_vpn.cli.session import NoDaemon, with_client
from golem_vpn.sdk.connection import DaemonUnreachable


def register(app: App, group: Group) -> None:
    """Adds the commands."""
    for command in (me, peers, nodes, ticket, join):
        app.command(command, group=group)


def me(*, common: Common = Common()) -> None:
    """Print this node's id."""
    identity = with_client(common.data_dir, lambda client: client.me())
    if common.json:
        show_json(identity)
    else:
        out.print(identity.identity)


def peers(*, common: Common = Common()) -> None:
    """List the nodes that share a network with this one: whether they are there, and how packets reach them."""
    found = with_client(common.data_dir, lambda client: client.peers())
    columns = {"node": "node_id", "name": "name", "online": "online", "path": "address", "in": "bytes_in",
               "out": "bytes_out"}  # fmt: skip
    show_rows(columns, found, common.json)


def nodes(*, common: Common = Common()) -> None:
    """List the nodes that this one can hire or put into networks: those of the joined hubs."""
    found = with_client(common.data_dir, lambda client: client.nodes())
    show_rows({"node": "node_id", "name": "name", "roles": "roles", "online": "online"}, found, common.json)


def ticket(*, common: Common = Common()) -> None:
    """Print a ticket, which lets another node join this daemon's hub; the daemon must run with `--hub`."""
    text = with_client(common.data_dir, lambda client: client.create_ticket())
    if common.json:
        show_json({"ticket": text})
    else:
        out.print(text, markup=False)


def join(ticket: str, /, *, common: Common = Common()) -> None:
    """Join a hub: at once if the daemon runs, else when it starts.

    Args:
        ticket: What `golem-vpn ticket` printed at the hub.
    """
    when = join_hub(common.data_dir, ticket)
    show_object({"joined": when}, {"joined": when}, common.json)


def join_hub(data_dir: Path, ticket: str) -> str:
    """Hands a ticket to the running daemon, or leaves it for the next start; tells which."""
    try:
        with_client(data_dir, lambda client: client.join(ticket))
    except (NoDaemon, DaemonUnreachable):
        from golem_vpn.net.ticket import leave_pending

        leave_pending(data_dir, ticket)
        return "when the daemon starts"
    return "now"
