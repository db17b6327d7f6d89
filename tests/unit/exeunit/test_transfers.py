from pathlib import Path
from typing import Any

import pytest

from golem_vpn.exeunit.events import Progress
from golem_vpn.exeunit.results import Outcome
from golem_vpn.exeunit.transfers import DIRECTORY
from tests.unit.exeunit.kit import REQUESTOR, Activity, open_activity, shell, text_of

pytestmark = pytest.mark.anyio

URL = "gftp://0x" + "b" * 40 + "/name"


def transfer(source: str, target: str, **more: Any) -> dict[str, Any]:
    return {"transfer": {"from": source, "to": target, **more}}


async def refusal(activity: Activity, source: str, target: str, **more: Any) -> str:
    [result] = await activity.do(transfer(source, target, **more))
    assert result.result is Outcome.ERROR
    assert result.message is not None
    return result.message


async def test_in_and_out(tmp_path: Path) -> None:
    async with open_activity(tmp_path / "work") as activity:
        await activity.make_ready()
        activity.carrier.files[URL] = b"hello"
        results = await activity.do(
            transfer(URL, "container:/in"),
            shell("cat in; tr a-z A-Z < in > out"),
            transfer("/out", "https://example.org/place"),
            transfer("container:/out", "container:/copy"),
            shell("cat copy"),
        )
        assert [result.message for result in results] == [None] * 5
        assert text_of(results[1]) == "hello"
        assert text_of(results[4]) == "HELLO"
        assert activity.carrier.files["https://example.org/place"] == b"HELLO"
        assert activity.carrier.requestors == [REQUESTOR, REQUESTOR]
        assert list((tmp_path / "work" / DIRECTORY).iterdir()) == []


async def test_progress_is_told(tmp_path: Path) -> None:
    async with open_activity(tmp_path / "work") as activity:
        await activity.make_ready()
        activity.carrier.files[URL] = b"hello"
        batch = activity.begin(transfer(URL, "container:/in", progress={"updateInterval": "1s"}))
        await activity.all_results(batch)
        events, complete = activity.unit.events(batch, 0, 1_000_000)
        assert complete
        assert Progress((0, 1), None, 5, 5, "Bytes") in [event.kind for event in events]


async def test_only_where_something_runs(tmp_path: Path) -> None:
    async with open_activity(tmp_path / "work") as activity:
        assert "deploy() command is expected" in await refusal(activity, URL, "container:/in")
        await activity.do({"deploy": {}})
        assert "start() command is expected" in await refusal(activity, URL, "container:/in")


async def test_what_cannot_be_carried(tmp_path: Path) -> None:
    async with open_activity(tmp_path / "work") as activity:
        await activity.make_ready()
        for source, target in (
            ("file:/etc/passwd", "container:/in"),
            ("ftp://example.org/x", "container:/in"),
            (URL, "container:in"),
            (URL, "container:/in/"),
            (URL, "container:/in\0"),
            (URL, "in"),
        ):
            assert "expected container:" in await refusal(activity, source, target)
        assert "one end" in await refusal(activity, URL, URL)
        for name, value in (("format", "zip"), ("depth", 1), ("fileset", {"pattern": "*"})):
            assert f"{name} is not supported" in await refusal(activity, URL, "container:/in", **{name: value})
        assert "nothing is at" in await refusal(activity, URL, "container:/in")
        assert "No such file" in await refusal(activity, "container:/missing", URL)
        assert list((tmp_path / "work" / DIRECTORY).iterdir()) == []
