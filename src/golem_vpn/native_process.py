"""Processes of one thread that run nothing but a function of the native module: they can make namespaces."""

import subprocess
import sys
from pathlib import Path

from golem_vpn import _native

_CODE = """\
import sys
sys.path.insert(0, sys.argv[1])
from golem_vpn import _native
sys.exit(getattr(_native, sys.argv[2])(sys.argv[3:]))
"""


Process = subprocess.Popen[bytes]


def start_native_process(function: str, control: int, *arguments: str) -> Process:
    """Starts a process that calls `function` with the number of the control socket's descriptor and the arguments."""
    package = Path(_native.__file__).parents[1]
    command = (sys.executable, "-I", "-S", "-c", _CODE, str(package), function, str(control), *arguments)
    return subprocess.Popen(  # noqa: S603 - our own interpreter and code
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        cwd="/",
        env={},
        pass_fds=(control,),
        start_new_session=True,
    )
