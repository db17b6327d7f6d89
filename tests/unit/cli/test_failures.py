from pathlib import Path

import pytest

from golem_vpn.cli.failures import FILE_CURE, explain
from golem_vpn.errors import ConfigurationError, NotFound


def test_an_error_of_ours_explains_itself() -> None:
    assert explain(NotFound("no such thing")) == [("no such thing", NotFound.__doc__)]


def test_an_error_of_the_file_system_names_the_file() -> None:
    with pytest.raises(OSError, match="No such file") as caught:
        Path("/nowhere/at/all").read_text()
    assert explain(caught.value) == [("/nowhere/at/all: No such file or directory", FILE_CURE)]


def test_errors_of_tasks_are_told_once_each() -> None:
    same = [ExceptionGroup("inner", [ConfigurationError("port in use")]), ConfigurationError("port in use")]
    assert [cause for cause, _ in explain(ExceptionGroup("outer", same))] == ["port in use"]


@pytest.mark.parametrize("bug", [ValueError("?"), OSError(9, "bad descriptor"), KeyboardInterrupt()])
def test_a_bug_is_not_explained_away(bug: BaseException) -> None:
    assert explain(bug) == []
    assert explain(BaseExceptionGroup("", [NotFound("no such thing"), bug])) == []
