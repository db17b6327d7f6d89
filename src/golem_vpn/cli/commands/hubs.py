"""`golem-vpn ticket | join | leave | hub …`: how nodes come together, and who may stay."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from cyclopts import App, Group, Parameter
from cyclopts.validators import Number

from golem_vpn.cli.console import out, show_json, show_object, show_rows
from golem_vpn.cli.options import PLAIN, Common, read_duration
from golem_vpn.cli.session import NoDaemon, with_client
from golem_vpn.sdk.connection import DaemonUnreachable


def register(app: App, group: Group) -> None:
    """Adds the commands."""
    for command in (ticket, join, leave):
        app.command(command, group=group)
    hub = App(name="hub", group=group, help="Who may be in this daemon's hub; it must run with `--hub`.")
    app.command(hub)
    for operation in (ls, admit, expel, tickets, revoke):
        hub.command(operation)


def ticket(
    *,
    expires: Annotated[timedelta, Parameter(converter=read_duration)] = timedelta(days=30),
    uses: Annotated[int | None, Parameter(validator=Number(gte=1, lte=1_000_000))] = None,
    qr: Annotated[bool, PLAIN] = False,
    common: Common = Common(),
) -> None:
    """Print a ticket, which lets other nodes join this daemon's hub; the daemon must run with `--hub`.

    Args:
        expires: How long it is good, for instance 90s, 30m, 2h or 7d.
        uses: How many nodes it admits; any number by default.
        qr: Print it as a QR code too.
    """
    seconds = int(expires.total_seconds())
    made = with_client(common.data_dir, lambda client: client.hub.create_ticket(expires=seconds, uses=uses))
    if common.json:
        show_json(made)
        return
    out.print(made.ticket, markup=False)
    if qr and made.ticket:
        import segno

        # Letters of a QR code are upper-case where it is to be small; tickets are read in any case.
        segno.make(made.ticket.upper(), micro=False).terminal(compact=True)


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
        with_client(data_dir, lambda client: client.hub.join(ticket))
    except (NoDaemon, DaemonUnreachable):
        from golem_vpn.net.ticket import leave_pending

        leave_pending(data_dir, ticket)
        return "when the daemon starts"
    return "now"


def leave(hub: str | None = None, /, *, common: Common = Common()) -> None:
    """Leave a hub: nodes that are known stay known, and networks go on.

    Args:
        hub: The hub's node id; needed only if this daemon joined several.
    """
    left = with_client(common.data_dir, lambda client: client.hub.leave(hub))
    show_object({"left": left}, {"left": left}, common.json)


def ls(*, common: Common = Common()) -> None:
    """List the nodes that this daemon's hub admitted, and those that it expelled."""
    found = with_client(common.data_dir, lambda client: client.hub.nodes())
    columns = {"node": "node_id", "name": "name", "roles": "roles", "online": "online", "ticket": "ticket_id",
               "expelled": "expelled"}  # fmt: skip
    show_rows(columns, found, common.json)


def admit(node: str, /, *, common: Common = Common()) -> None:
    """Make a node a member without a ticket's use, also one that was expelled.

    Args:
        node: Its node id; `golem-vpn me` prints it there.
    """
    with_client(common.data_dir, lambda client: client.hub.admit(node))
    show_object({"admitted": node}, {"admitted": node}, common.json)


def expel(node: str, /, *, common: Common = Common()) -> None:
    """Send a node away: all members shut it out within a second, and the ticket that admitted it is void.

    Args:
        node: Its node id.
    """
    revoked = with_client(common.data_dir, lambda client: client.hub.expel(node))
    shown = {"expelled": node, "revokedTicketId": revoked}
    show_object({"expelled": node, "ticket revoked": revoked}, shown, common.json)


def tickets(*, common: Common = Common()) -> None:
    """List the tickets of this daemon's hub that have not expired."""
    found = with_client(common.data_dir, lambda client: client.hub.tickets())
    show_rows({"ticket": "ticket_id", "expires": "expires", "uses": "uses", "used": "used"}, found, common.json)


def revoke(ticket: str, /, *, common: Common = Common()) -> None:
    """Make a ticket void; the nodes that it admitted stay.

    Args:
        ticket: Its name in `golem-vpn hub tickets`.
    """
    with_client(common.data_dir, lambda client: client.hub.revoke(ticket))
    show_object({"revoked": ticket}, {"revoked": ticket}, common.json)
