from pathlib import Path

import pytest

from golem_vpn.net.identity import Identities
from golem_vpn.net.memory import MemoryWire


@pytest.fixture
def wire() -> MemoryWire:
    return MemoryWire()


@pytest.fixture
def identities(tmp_path: Path) -> Identities:
    return Identities(tmp_path / "identities")
