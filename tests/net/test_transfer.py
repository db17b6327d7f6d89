"""The transfer command between real daemons: from a published file to a payload, and back."""

import os
from pathlib import Path

import pytest

from golem_vpn.sdk.client import Client
from golem_vpn.sdk.machine import CommandFailed, PayloadMachine
from tests.net.machines import payload_machines

pytestmark = [pytest.mark.network, pytest.mark.anyio]

CONTENT = os.urandom(3_000_000)


async def transfer(machine: PayloadMachine, source: str, target: str) -> None:
    commands = [{"transfer": {"from": source, "to": target}}]
    await machine.finish(await machine.client.execute(machine.activity_id, commands))


async def test_in_and_out(client: Client, tmp_path: Path) -> None:
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(CONTENT)
    [published] = await client.publish_files([source])
    awaited = await client.receive_file(back)
    async with payload_machines(client, count=1) as [machine]:
        await transfer(machine, published.url, "container:/golem/work/in")
        assert await machine.run("/bin/sh", "-c", "wc -c < in; cat in in > out") == "3000000\n"
        await transfer(machine, "container:/golem/work/out", awaited.url)
        with pytest.raises(CommandFailed, match="no file is published"):
            await transfer(machine, awaited.url, "container:/golem/work/in")
        with pytest.raises(CommandFailed, match=r"Permission denied|No such file"):
            await transfer(machine, "container:/etc/shadow", awaited.url)
    assert back.read_bytes() == CONTENT * 2
    assert await client.close_files([published.url, awaited.url]) == ["ok", "ok"]
