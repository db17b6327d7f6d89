"""`golem-vpn attach` and `detach`: this machine itself as a member."""

from typing import Annotated

from cyclopts import App, Group, Parameter, validators

from golem_vpn.cli.console import out, show_json, show_object, waiting
from golem_vpn.cli.options import Common
from golem_vpn.cli.session import with_client


def register(app: App, group: Group) -> None:
    """Adds the commands."""
    app.command(attach, group=group)
    app.command(detach, group=group)


def attach(
    network: str,
    /,
    *,
    interface: str = "vpn0",
    wait: Annotated[float, Parameter(validator=validators.Number(gte=0, lte=300))] = 0.0,
    common: Common = Common(),
) -> None:
    """Make this machine a member of a network, through a TUN interface of its own.

    The daemon must run as root or with CAP_NET_ADMIN, and this node must be in the network
    (`golem-vpn network add-node`, at the owner). The interface lives until `detach` or the daemon's end.

    Args:
        network: The network's id.
        interface: The name of the interface.
        wait: How many seconds to wait for the owner's word that this node is in the network.
    """
    with waiting("waiting for word of the network"):
        made = with_client(common.data_dir, lambda client: client.attach(network, interface, timeout=wait))
    if common.json:
        show_json(made)
    else:
        out.print(f"{made.interface}: {', '.join(made.addresses)}", markup=False)


def detach(network: str, /, *, common: Common = Common()) -> None:
    """Remove this machine's interface of a network.

    Args:
        network: The network's id.
    """
    with_client(common.data_dir, lambda client: client.detach(network))
    show_object({"detached": network}, {"detached": network}, common.json)
