from collections.abc import Iterator
from pathlib import Path

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from golem_vpn.files import courier
from tests.unit.files.kit import Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


@pytest.fixture(autouse=True)
def blockbuster() -> Iterator[BlockBuster]:
    """Makes a call fail that blocks the event loop."""
    with blockbuster_ctx(["golem_vpn.files"]) as blockbuster:
        yield blockbuster


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "PAUSES", (0.0, 0.01))
