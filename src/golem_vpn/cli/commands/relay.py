"""`golem-vpn relay | relays`: a relay on this machine, and the relays that there are."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Group, Parameter

from golem_vpn.cli.commands.daemon import Name, run_daemon
from golem_vpn.cli.console import show_rows
from golem_vpn.cli.net_options import BytesPerSecond, PublicRelays, check_relay_listen, relay_configuration
from golem_vpn.cli.options import Common, Place, check_api_address, check_listen_address
from golem_vpn.cli.session import with_client
from golem_vpn.config import Address, Config


def register(app: App, group: Group) -> None:
    """Adds the commands."""
    app.command(relay, group=group)
    app.command(relays, group=group)


def relay(
    *,
    listen: Annotated[str, Parameter(validator=check_relay_listen)] = "0.0.0.0:7464",
    certificate: Path | None = None,
    key: Path | None = None,
    bytes_per_second: BytesPerSecond = None,
    public_address: PublicRelays = (),
    node_listen: Annotated[str, Parameter(validator=check_listen_address)] = "0.0.0.0:11500",
    api: Annotated[str, Parameter(validator=check_api_address)] = "127.0.0.1:7465",
    name: Name = None,
    place: Place = Place(),
) -> None:
    """Run a relay, and the node that it belongs to, in the foreground, until Ctrl-C or SIGTERM.

    Nodes that cannot reach each other talk through it. `golem-vpn join TICKET` first: it serves the members of the hubs
    that it joined, and nobody else. It sees who sends how much to whom, and no content. It prints `ready` on stdout
    when it serves.

    Args:
        listen: Where the relay listens, HOST:PORT: TCP, and UDP of the same number. 443 passes the strictest firewalls.
        certificate: A certificate, PEM; without one, the relay makes its own and keeps it. Nodes know it by its hash.
        key: The key of that certificate, PEM, mode 0600.
        bytes_per_second: What each node may send; no limit by default.
        public_address: Where others reach the relay, HOST:PORT, if not at this machine's addresses. Repeat for several.
        node_listen: Where other nodes reach this one, HOST:PORT: control messages at that UDP port, packets at the
            next one; port 0 takes any free ones.
        api: Where the REST API listens, HOST:PORT.
        name: What other nodes see beside the node id, up to 64 characters; the machine's name by default.
    """
    public = tuple(map(Address.parse, public_address))
    options = relay_configuration(Address.parse(listen), certificate, key, bytes_per_second, public)
    run_daemon(place, name, lambda data_dir, name: Config(
        data_dir=data_dir, name=name, api=Address.parse(api), listen=Address.parse(node_listen), relay=options,
    ))  # fmt: skip


def relays(*, common: Common = Common()) -> None:
    """List the relays of the joined hubs, and how this node does with each."""
    found = with_client(common.data_dir, lambda client: client.relays())
    columns = {"relay": "url", "node": "node_id", "state": "state", "RTT ms": "rtt_ms", "failure": "failure"}
    show_rows(columns, found, common.json)
