"""The checks of `golem-vpn doctor`, on this machine and on one that lacks something."""

from pathlib import Path

import pytest

from golem_vpn.exeunit.runtimes.checks import check_machine

pytestmark = [pytest.mark.network, pytest.mark.anyio]

NAMES = ["user namespaces", "TUN device", "file system", "privileges", "users of images", "limits"]


async def test_a_machine_that_runs_payloads() -> None:
    checks = await check_machine()
    assert [check.name for check in checks] == NAMES
    assert [check.name for check in checks if check.required] == NAMES[:4]
    assert [check.ok for check in checks[:4]] == [True] * 4, checks


async def test_a_missing_device_is_the_only_complaint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLEM_VPN_TUN_DEVICE", str(tmp_path / "tun"))
    checks = {check.name: check for check in await check_machine()}
    assert [name for name, check in checks.items() if not check.ok and check.required] == ["TUN device"]
    assert "modprobe tun" in checks["TUN device"].cure
