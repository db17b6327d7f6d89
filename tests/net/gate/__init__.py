"""The gate, with the kernel's TCP/IP stack, and with the one in user space whatever could differ there."""

import pytest

KERNEL = "kernel"
USER_SPACE = "user-space"

either_stack = pytest.mark.parametrize("gate_stack", [KERNEL, USER_SPACE])
