"""Holds the daemon to its own description of the API: every answer as documented, whatever is asked.

The requests come from schemathesis: valid and invalid ones for each route by itself, and sequences along the links of
the description. They reach a real daemon whose provider runs an activity, so that there is something to ask about.
"""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import anyio
import pytest

from golem_vpn.api import prefixes
from golem_vpn.errors import GolemVpnError
from golem_vpn.sdk.client import Client
from golem_vpn.sdk.machine import PayloadMachine
from tests.net.machines import providers

pytestmark = [pytest.mark.network, pytest.mark.anyio, pytest.mark.timeout(900)]

SCHEMATHESIS = Path(sys.executable).with_name("st")
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
SHARE_OF_KNOWN_IDS = 0.5
"""How many of the ids that requests name are those of objects that there are."""
APIS = {"net": prefixes.NET[0], "market": prefixes.MARKET, "activity": prefixes.ACTIVITY, "payment": prefixes.PAYMENT}
APIS |= {"gsb": prefixes.GSB, "files": f"{prefixes.DAEMON}/files"}


@pytest.fixture
async def known_ids(client: Client) -> AsyncIterator[dict[str, str]]:
    """Ids of objects that there are, by the parameter of the path that takes them; the tests may remove them."""
    network = await client.create_network("192.168.0.0/24")
    node_id, *_ = await providers(client, 1)
    machine = await PayloadMachine.create(client, node_id, network.id, "192.168.0.2")
    await machine.start()
    batch_id = await machine.spawn("/bin/sh", "-c", "echo hello; sleep 1000")
    yield {
        "network_id": network.id,
        "agreement_id": machine.agreement_id,
        "activity_id": machine.activity_id,
        "batch_id": batch_id,
    }
    with suppress(GolemVpnError):
        await client.terminate_agreement(machine.agreement_id)


@pytest.mark.parametrize("api", APIS)
async def test_each_route_answers_as_it_says(
    client: Client, known_ids: dict[str, str], api: str, tmp_path: Path
) -> None:
    configure(tmp_path, known_ids)
    await check(tmp_path, client, "coverage,fuzzing", f"^{APIS[api]}/")


async def test_so_do_sequences_along_the_links(client: Client, known_ids: dict[str, str], tmp_path: Path) -> None:
    configure(tmp_path, known_ids)
    await check(tmp_path, client, "stateful", f"^({'|'.join(APIS.values())})/")


def configure(directory: Path, known_ids: dict[str, str]) -> None:
    """Writes the configuration of a run."""
    text = CONFIGURATION.read_text()
    for name, value in known_ids.items():
        text += f'[dictionaries.{name}]\nvalues = ["{value}"]\n'
        text += f'[parameters."path.{name}"]\ndictionary = "{name}"\nprobability = {SHARE_OF_KNOWN_IDS}\n'
    text += '[[operations]]\ninclude-path-regex = "/activity$"\n'
    text += 'parameters = { "body.agreementId" = { dictionary = "agreement_id", probability = 0.8 } }\n'
    (directory / CONFIGURATION.name).write_text(text)


async def check(directory: Path, client: Client, phases: str, paths: str) -> None:
    """Runs schemathesis, and shows what it found."""
    arguments = ["run", f"{client.url}/openapi.json", "--phases", phases, "--include-path-regex", paths]
    header = ["--header", f"Authorization: Bearer {client.app_key}"]
    result = await anyio.run_process(
        [SCHEMATHESIS, *arguments, *header], cwd=directory, check=False, stderr=subprocess.STDOUT
    )
    assert result.returncode == 0, result.stdout.decode()
