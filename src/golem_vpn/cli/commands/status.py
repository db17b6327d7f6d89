"""`golem-vpn status`: what the native core counts."""

from cyclopts import App, Group

from golem_vpn.cli.console import out, show_json
from golem_vpn.cli.options import Common
from golem_vpn.cli.session import with_client


def register(app: App, group: Group) -> None:
    """Adds the command."""
    app.command(status, group=group)


def status(*, common: Common = Common()) -> None:
    """Print the data plane's state: cipher, offloads, counters, drops by reason."""
    found = with_client(common.data_dir, lambda client: client.status())
    if common.json:
        show_json(found)
        return
    out.print(f"cipher  {found['cipher']}", markup=False)
    for group in ("offloads", "counters", "drops"):
        out.print(group)
        for name, value in found[group].items():
            if group != "drops" or value:
                out.print(f"  {name:<28} {value}", markup=False)
