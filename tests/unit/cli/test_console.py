import io

import pytest
from rich.console import Console

from golem_vpn.cli import console


@pytest.mark.parametrize("terminal", [True, False])
def test_waiting_is_shown_to_people_only(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=written, force_terminal=terminal))
    with console.waiting("trying"):
        pass
    assert ("trying" in written.getvalue()) is terminal
