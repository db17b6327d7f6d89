"""The checks of `golem-vpn doctor`, on this machine and on one that lacks something."""

from pathlib import Path

import pytest

from golem_vpn.exeunit.runtimes import checks as checks_module
from golem_vpn.exeunit.runtimes.checks import check_machine

pytestmark = [pytest.mark.network, pytest.mark.anyio]

NAMES = ["user namespaces", "TUN device", "file system", "privileges", "TUN offloads", "users of images", "limits"]


async def test_a_machine_that_runs_payloads() -> None:
    checks = await check_machine()
    assert [check.name for check in checks] == NAMES
    assert [check.name for check in checks if check.required] == NAMES[:4]
    assert [check.ok for check in checks[:4]] == [True] * 4, checks
    assert checks[4].ok or "Linux" in checks[4].cure


async def test_a_missing_device_is_the_only_complaint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLEM_VPN_TUN_DEVICE", str(tmp_path / "tun"))
    checks = {check.name: check for check in await check_machine()}
    assert [name for name, check in checks.items() if not check.ok and check.required] == ["TUN device"]
    assert "modprobe tun" in checks["TUN device"].cure
    assert "not tried" in checks["TUN offloads"].cause


async def test_what_the_kernel_does_not_do_for_a_device_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks_module, "probe_tun", lambda fd: {"checksum": True, "tcp": True, "udp": False})
    [check] = [check for check in await check_machine() if check.name == "TUN offloads"]
    assert (check.ok, check.required) == (False, False)
    assert "UDP" in check.cause
    assert "TCP" not in check.cause
    assert "6.2" in check.cure
