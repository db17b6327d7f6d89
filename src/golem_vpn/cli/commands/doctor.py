"""`golem-vpn doctor`: what this machine can do, line by line."""

import sys
from contextlib import suppress

import anyio
from cyclopts import App, Group

from golem_vpn.cli.console import out, show_json, waiting
from golem_vpn.cli.options import Common
from golem_vpn.cli.session import NoDaemon, with_client
from golem_vpn.sdk.connection import DaemonUnreachable


def register(app: App, group: Group) -> None:
    """Adds the command."""
    app.command(doctor, group=group)


def doctor(*, common: Common = Common()) -> None:
    """Check whether this machine can do all that the daemon needs, and name the cure of what it can't.

    Looks at the clock, the data folder, namespaces, the TUN device, offloads and ports; and where a daemon runs, at its
    relays and the address that others see. Lines marked `note` cost speed or safety, not the function. Exits with 1
    where something is missing.
    """
    from golem_vpn.cli.net_findings import look_at_net
    from golem_vpn.doctor import examine

    with waiting("trying what payloads need"):
        findings = anyio.run(examine, common.data_dir)
    # Where no daemon runs, there is no net to look at, and nothing amiss.
    with suppress(NoDaemon, DaemonUnreachable):
        findings += with_client(common.data_dir, look_at_net)
    if common.json:
        show_json(findings)
    else:
        for finding in findings:
            mark = "[green]ok  [/]" if finding.ok else "[red]FAIL[/]" if finding.required else "[yellow]note[/]"
            out.print(f"{mark}  {finding.name}: ", end="")
            out.print(finding.cause, markup=False)
            if finding.cure:
                out.print(f"      cure: {finding.cure}", markup=False)
    if any(finding.required and not finding.ok for finding in findings):
        sys.exit(1)
