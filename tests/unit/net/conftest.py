from pathlib import Path

import pytest

from golem_vpn.net.identity import Identities
from golem_vpn.net.memory import MemoryWire
from tests.unit.net.kit import Node, echoing, make_node


@pytest.fixture
def wire() -> MemoryWire:
    return MemoryWire()


@pytest.fixture
def identities(tmp_path: Path) -> Identities:
    return Identities(tmp_path / "identities")


@pytest.fixture
def alice(wire: MemoryWire, tmp_path: Path) -> Node:
    return make_node(wire, tmp_path, "alice")


@pytest.fixture
def bob(wire: MemoryWire, tmp_path: Path) -> Node:
    return echoing(make_node(wire, tmp_path, "bob"))
