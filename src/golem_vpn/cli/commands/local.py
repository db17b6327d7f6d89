"""`golem-vpn local …`: a requestor and providers on this machine."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Group, Parameter
from cyclopts.validators import Number

from golem_vpn.cli.commands.hubs import join_hub
from golem_vpn.cli.console import out, show_json, show_rows, tell, waiting
from golem_vpn.cli.local_set import SUBNET, LocalSet
from golem_vpn.cli.options import Common, Place, check_api_address
from golem_vpn.cli.session import app_key, daemon_file, with_client

MOST_PROVIDERS = 100


def register(app: App, group: Group) -> None:
    """Adds the commands."""
    local = App(name="local", group=group, help="A requestor and providers on this machine, in the background.")
    app.command(local)
    local.command(up)
    local.command(env)
    local.command(status)
    local.command(down)


def up(
    *,
    providers: Annotated[int, Parameter(validator=Number(gte=0, lte=MOST_PROVIDERS))] = 2,
    api: Annotated[str, Parameter(validator=check_api_address)] = "127.0.0.1:7465",
    common: Common = Common(),
) -> None:
    """Start a requestor and providers in the background, and return when all are ready.

    Every other command then takes the same `--data-dir`, and speaks to the requestor. `golem-vpn local down` ends all.

    Args:
        providers: How many providers, up to 100.
        api: Where the requestor's API listens, HOST:PORT; port 0 takes any free one.
    """
    bring_up(LocalSet(common.data_dir), providers, api)
    _show(LocalSet(common.data_dir), common.json)


def env(*, place: Place = Place()) -> None:
    """Print shell exports for the Golem SDKs.

    Use it as: eval "$(golem-vpn local env)"
    """
    local = LocalSet(place.data_dir)
    local.requestor()
    api = daemon_file(local.data_dir).api
    out.print(f"export YAGNA_API_URL={api}", markup=False)
    out.print(f"export YAGNA_APPKEY={app_key(local.data_dir)}", markup=False)
    out.print(f"export YAGNA_SUBNET={SUBNET}", markup=False)
    out.print(f"export GOLEM_REGISTRY_URL={api}", markup=False)


def status(*, common: Common = Common()) -> None:
    """List the daemons of the set, and whether they run."""
    _show(LocalSet(common.data_dir), common.json)


def down(*, common: Common = Common()) -> None:
    """End the daemons of the set and their payloads, and remove the data that `up` made: networks, keys, logs."""
    with waiting("ending the daemons"):
        ended = LocalSet(common.data_dir).down()
    if common.json:
        show_json({"ended": ended})
    else:
        out.print(f"ended {ended} {'daemon' if ended == 1 else 'daemons'}" if ended else "no local set was running")


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
