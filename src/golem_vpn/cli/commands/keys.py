"""`golem-vpn app-key …`: the keys that applications use."""

from typing import Annotated

from cyclopts import App, Group

from golem_vpn.cli.console import out, show_json, show_object, show_rows
from golem_vpn.cli.options import PLAIN, Common
from golem_vpn.cli.session import with_client


def register(app: App, group: Group) -> None:
    """Adds the commands."""
    keys = App(name="app-key", group=group, help="The keys by which applications use the daemon's API.")
    app.command(keys)
    keys.command(create)
    keys.command(ls)
    keys.command(rm)


def create(
    name: str,
    /,
    *,
    identity: str | None = None,
    allow_origin: Annotated[tuple[str, ...], PLAIN] = (),
    common: Common = Common(),
) -> None:
    """Make a key and print it; it is shown this once.

    Args:
        name: What the key is for.
        identity: The identity that the key acts for; the default one where none is named.
        allow_origin: A web origin that browsers may use the key from; repeat for several.
    """
    made = with_client(
        common.data_dir, lambda client: client.create_app_key(name, identity=identity, allow_origins=list(allow_origin))
    )
    if common.json:
        show_json(made)
    else:
        out.print(made.key, markup=False)


def ls(*, common: Common = Common()) -> None:
    """List the keys, without their secrets."""
    keys = with_client(common.data_dir, lambda client: client.app_keys())
    show_rows({"name": "name", "identity": "identity", "created": "created"}, keys, common.json)


def rm(name: str, /, *, common: Common = Common()) -> None:
    """Remove a key; it stops working at once.

    Args:
        name: The key's name.
    """
    with_client(common.data_dir, lambda client: client.remove_app_key(name))
    show_object({"removed": name}, {"removed": name}, common.json)
