"""`golem-vpn local …`: a requestor and providers on this machine."""

from pathlib import Path

from cyclopts import App

from golem_vpn.cli.commands.nodes import join_hub
from golem_vpn.cli.console import out, show_json, show_rows, tell
from golem_vpn.cli.local_set import SUBNET, LocalSet
from golem_vpn.cli.options import Common, Place
from golem_vpn.cli.session import app_key, daemon_file, with_client
from golem_vpn.errors import InvalidInput

MOST_PROVIDERS = 100


def register(app: App) -> None:
    """Adds the commands."""
    local = App(name="local", help="A requestor and providers on this machine, in the background.")
    app.command(local)
    local.command(up)
    local.command(env)
    local.command(status)
    local.command(down)


def up(*, providers: int = 2, api: str = "127.0.0.1:7465", common: Common = Common()) -> None:
    """Start the daemons and return when all are ready.

    Args:
        providers: How many.
        api: Where the requestor's API listens, HOST:PORT.
    """
    if not 0 <= providers <= MOST_PROVIDERS:
        raise InvalidInput(f"--providers takes 0 to {MOST_PROVIDERS}, not {providers}")
    bring_up(LocalSet(common.data_dir), providers, api)
    _show(LocalSet(common.data_dir), common.json)


def env(*, place: Place = Place()) -> None:
    """Print shell exports for the Golem SDKs: eval "$(golem-vpn local env)"."""
    local = LocalSet(place.data_dir)
    local.requestor()
    out.print(f"export YAGNA_API_URL={daemon_file(local.data_dir).api}", markup=False)
    out.print(f"export YAGNA_APPKEY={app_key(local.data_dir)}", markup=False)
    out.print(f"export YAGNA_SUBNET={SUBNET}", markup=False)


def status(*, common: Common = Common()) -> None:
    """List the daemons of the set."""
    _show(LocalSet(common.data_dir), common.json)


def down(*, common: Common = Common()) -> None:
    """End the daemons of the set, and remove what `up` made."""
    ended = LocalSet(common.data_dir).down()
    if common.json:
        show_json({"ended": ended})
    else:
        out.print(f"ended {ended} daemons" if ended else "no local set was running")


def bring_up(local: LocalSet, providers: int, api: str) -> None:
    """Starts the set, with the hub's own tickets."""
    local.up(providers, api, ticket=_ticket, join=join_hub, tell=tell)


def _ticket(data_dir: Path) -> str:
    return with_client(data_dir, lambda client: client.create_ticket())


def _show(local: LocalSet, as_json: bool) -> None:
    columns = {"daemon": "name", "process": "pid", "running": "running", "data folder": "data_dir"}
    daemons = local.daemons()
    if as_json:
        show_json([{"name": d.name, "pid": d.pid, "running": d.running, "dataDir": d.data_dir} for d in daemons])
    else:
        show_rows(columns, daemons, as_json=False)
