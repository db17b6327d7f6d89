from pathlib import Path

import pytest

from tests.unit.payment.kit import Trade


@pytest.fixture
def trade(tmp_path: Path) -> Trade:
    return Trade(tmp_path)
