"""Runs the tests of the namespace runtime once more, as a user without any privilege."""

import os
from pathlib import Path

import pytest

from tests.net.ordinary_user import run_tests

pytestmark = [pytest.mark.network, pytest.mark.timeout(600)]

MODULES = (
    "test_door.py",
    "test_namespace_runtime.py",
    "test_namespace_lifecycle.py",
    "test_namespace_programs.py",
    "test_task_packages.py",
    "test_volumes.py",
    "test_root_in_images.py",
    "test_limits.py",
    "test_checks.py",
)


@pytest.mark.skipif(os.geteuid() != 0, reason="these tests run as an ordinary user anyway")
def test_as_an_ordinary_user(tun_device_node: Path) -> None:
    outcome = run_tests(MODULES, tun_device_node)
    assert outcome.returncode == 0, outcome.stdout
    assert "is closed to this user" not in outcome.stdout, outcome.stdout
