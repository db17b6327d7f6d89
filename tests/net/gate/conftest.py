"""Lets tests choose the TCP/IP stack of the gate."""

import pytest

from golem_vpn.cli.local_set import LocalSet
from tests.net.gate import KERNEL


@pytest.fixture
def gate_stack() -> str:
    """The stack, unless a test names it."""
    return KERNEL


@pytest.fixture
def local_set(gate_stack: str, local_set: LocalSet, request: pytest.FixtureRequest) -> LocalSet:
    """Daemons of which the requestor's gate uses that stack, in place of those of all tests."""
    if gate_stack == KERNEL:
        return local_set
    other: LocalSet = request.getfixturevalue("user_space_set")
    return other
