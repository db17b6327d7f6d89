"""One machine of the laboratory: a network namespace, and a thread that lives in it."""

import ctypes
import os
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

PATIENCE = 60.0
_CLONE_NEWNET = 0x40000000


class Namespace:
    """A named network namespace; sockets and processes that its thread makes belong to it."""

    def __init__(self, name: str) -> None:
        self.name = name
        _run(["ip", "netns", "add", name])
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name, initializer=_enter, initargs=(name,))
        self.ip("link set lo up")

    def call(self, function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        """Calls a function inside and gives what it returns."""
        return self._thread.submit(function, *args, **kwargs).result(PATIENCE)

    def run(self, *arguments: str, timeout: float = PATIENCE) -> str:
        """Runs a program inside to its end and gives its output.

        Raises:
            subprocess.CalledProcessError: it failed; its error output is a note of the exception.
        """
        return self.call(_run, arguments, timeout=timeout)

    def command(self, arguments: Sequence[str]) -> list[str]:
        """Gives the command line that runs `arguments` inside, for processes that go on."""
        return ["ip", "netns", "exec", self.name, *arguments]

    def ip(self, *commands: str) -> None:
        """Runs commands of `ip` inside."""
        _run(["ip", "-n", self.name, "-batch", "-"], stdin="\n".join(commands))

    def nft(self, rules: str) -> None:
        """Loads a ruleset inside."""
        self.call(_run, ["nft", "--file", "-"], stdin=rules)

    def set(self, **settings: int) -> None:
        """Sets kernel parameters below `net`, written with `__` for the dots."""
        for name, value in settings.items():
            self.call(Path("/proc/sys/net", *name.split("__")).write_text, str(value))

    def delete(self) -> None:
        """Removes the namespace, and with it all its interfaces."""
        self._thread.shutdown()
        subprocess.run(["ip", "netns", "delete", self.name], check=False, capture_output=True, timeout=PATIENCE)


def _enter(name: str) -> None:
    descriptor = os.open(f"/var/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"the thread can't enter the namespace {name}")
    finally:
        os.close(descriptor)


def _run(arguments: Sequence[str], *, stdin: str = "", timeout: float = PATIENCE) -> str:
    finished = subprocess.run(arguments, input=stdin, capture_output=True, text=True, timeout=timeout)
    try:
        finished.check_returncode()
    except subprocess.CalledProcessError as error:
        error.add_note(f"{stdin}\n{finished.stderr}")
        raise
    return finished.stdout
