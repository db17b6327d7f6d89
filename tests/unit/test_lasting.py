import gc
from collections.abc import Iterator

import pytest

from golem_vpn.lasting import lasting


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    """The other tests' objects are to be collected as ever."""
    yield
    gc.unfreeze()
    gc.enable()


def test_the_collector_is_off_in_the_block_and_leaves_alone_what_is_there_at_its_end() -> None:
    with lasting():
        assert not gc.isenabled()
        kept = [object()]
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    assert all(kept is not found for found in gc.get_objects())
    later = [object()]
    assert any(later is found for found in gc.get_objects())


def test_a_failure_leaves_the_collector_on() -> None:
    with pytest.raises(ZeroDivisionError), lasting():
        _ = 1 / 0
    assert gc.isenabled()
