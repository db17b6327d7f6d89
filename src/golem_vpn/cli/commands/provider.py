"""`golem-vpn provider …`: this node as a provider."""

from cyclopts import App, Group

from golem_vpn.cli.console import show_object, show_rows
from golem_vpn.cli.options import Common
from golem_vpn.cli.session import with_client


def register(app: App, group: Group) -> None:
    """Adds the commands."""
    provider = App(
        name="provider",
        group=group,
        help="What this node offers to requestors; its daemon must run with `--provider`.",
    )
    app.command(provider)
    for command in (status, presets, pause, resume):
        provider.command(command)


def status(*, common: Common = Common()) -> None:
    """Show the published offers, the agreements in force, and the file with the owner's settings."""
    found = with_client(common.data_dir, lambda client: client.provider_status())
    fields = {
        "offering": "no, paused" if found.paused else ", ".join(found.offers) or "nothing",
        "subnet": found.subnet,
        "agreements": f"{found.agreements} of {found.max_agreements}",
        "settings": found.settings,
    }
    if found.complaint is not None:
        fields["complaint"] = found.complaint
    show_object(fields, found, common.json)


def presets(*, common: Common = Common()) -> None:
    """List the kinds of offers, with prices in GLM; edit the file that `provider status` names to change them."""
    found = with_client(common.data_dir, lambda client: client.provider_presets())
    columns = {
        "preset": "name", "runtime": "runtime", "active": "active", "start": "start_price", "hour": "hour_price",
        "cpu hour": "cpu_hour_price", "threads": "threads", "memory GiB": "memory_gib", "storage GiB": "storage_gib",
    }  # fmt: skip
    show_rows(columns, found, common.json)


def pause(*, common: Common = Common()) -> None:
    """Withdraw the offers until `provider resume`; agreements in force go on."""
    with_client(common.data_dir, lambda client: client.pause_provider())
    show_object({"offering": "no, paused"}, {"paused": True}, common.json)


def resume(*, common: Common = Common()) -> None:
    """Publish offers again."""
    with_client(common.data_dir, lambda client: client.resume_provider())
    show_object({"offering": "again"}, {"paused": False}, common.json)
