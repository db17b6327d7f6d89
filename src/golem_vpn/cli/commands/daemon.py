"""`golem-vpn daemon`."""

from typing import Annotated

from cyclopts import App, Parameter

from golem_vpn.cli.options import Place
from golem_vpn.config import Address, Config


def register(app: App) -> None:
    """Adds the command."""
    app.command(daemon)


def daemon(
    *,
    api: str = "127.0.0.1:7465",
    listen: str = "0.0.0.0:11500",
    hub: Annotated[bool, Parameter(negative="")] = False,
    provider: Annotated[bool, Parameter(negative="")] = False,
    name: str | None = None,
    allow_origin: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    place: Place = Place(),
) -> None:
    """Run a node in the foreground. It logs to stderr and prints `ready` on stdout when it serves.

    Args:
        api: Where the REST API and the gate listen, HOST:PORT.
        listen: Where other nodes reach this one, HOST:PORT: control messages at that UDP port, packets at the next
            one; port 0 takes any free ones.
        hub: Let other nodes join through this one (`golem-vpn ticket` prints what they need).
        provider: Run payloads for the requestors of the joined hubs.
        name: What other nodes see beside the node id; the machine's name by default.
        allow_origin: A web origin that browsers may call the API from; repeat for several, `*` for any.
    """
    import socket

    from golem_vpn.daemon import run

    config = Config(
        data_dir=place.data_dir.absolute(),
        api=Address.parse(api),
        listen=Address.parse(listen),
        hub=hub,
        provider=provider,
        name=name or socket.gethostname(),
        allow_origins=allow_origin,
    )
    run(config, on_ready=lambda: print("ready", flush=True))  # noqa: T201
