"""Carries files between this machine and the file system of payloads, with the rights that payloads have.

A small process enters the payloads' namespaces, becomes their user, and copies. So the kernel sees to it that links
lead nowhere else than payloads see, and that nothing is read or written that they may not. The process itself stays in
this machine's process namespace, where payloads can't reach it.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import DEVNULL

import anyio
import msgspec

from golem_vpn.errors import InvalidInput

_CODE = """\
import ctypes, errno, os, stat, sys
NEW_USER, NEW_MOUNTS = 0x10000000, 0x20000
CAPABILITY_VERSION = 0x20080522
OF_ROOT = 1 << 1 | 1 << 3 | 1 << 4  # DAC_OVERRIDE, FOWNER, FSETID
AT_ONCE = 1 << 24

def enter(users, mounts, number):
    libc = ctypes.CDLL(None, use_errno=True)
    for space, kind in ((users, NEW_USER), (mounts, NEW_MOUNTS)):
        if libc.setns(space, kind):
            raise OSError(ctypes.get_errno(), "cannot enter the payload's namespaces")
    try:
        os.setgroups([])
    except PermissionError:
        pass
    os.setresgid(number, number, number)
    os.setresuid(number, number, number)
    kept = OF_ROOT if number == 0 else 0
    header, sets = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0)
    if libc.capset(header, sets):
        raise OSError(ctypes.get_errno(), "cannot give up privileges")
    os.chdir("/")
    os.umask(0o022)

def copy(source, target):
    while os.sendfile(target, source, None, AT_ONCE):
        pass

def take(path, target):
    source = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    if not stat.S_ISREG(os.fstat(source).st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    copy(source, target)

def put(source, path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    # What a link leads to is replaced, not the link.
    path = os.path.realpath(path)
    mode = 0o644
    if os.path.exists(path):
        found = os.stat(path).st_mode
        if not stat.S_ISREG(found):
            raise OSError(errno.EINVAL, "not a regular file")
        mode = stat.S_IMODE(found)
    draft = os.path.join(os.path.dirname(path), f".golem-{os.getpid()}.part")
    target = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        copy(source, target)
        os.fchmod(target, mode)
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise

what, path, *numbers = sys.argv[1:]
try:
    enter(*map(int, numbers))
    take(path, 1) if what == "take" else put(0, path)
except OSError as error:
    sys.exit(error.strerror or "input/output error")
"""


class Door(msgspec.Struct, frozen=True):
    """The way to the files of one activity's payloads, as long as its namespaces are open."""

    spaces: Callable[[], tuple[int, int]]
    """Gives descriptors of the payloads' user namespace and of their mount namespace, where they are open."""
    user: int
    """The payloads' user and group, by the number that they have inside."""

    async def put(self, source: Path, path: str) -> None:
        """Copies a file of this machine in; it is whole there then, or as it was.

        Raises:
            InvalidInput: a payload can't write that.
            RuntimeEnded: the namespaces are closed.
        """
        async with await anyio.open_file(source, "rb") as file:
            await self._copy("put", path, standard_input=file.wrapped.fileno())

    async def take(self, path: str, target: Path) -> None:
        """Copies a file out to this machine.

        Raises:
            InvalidInput: a payload can't read that, or there is no such file.
            RuntimeEnded: the namespaces are closed.
        """
        async with await anyio.open_file(target, "wb") as file:
            await self._copy("take", path, standard_output=file.wrapped.fileno())

    async def _copy(
        self, what: str, path: str, *, standard_input: int = DEVNULL, standard_output: int = DEVNULL
    ) -> None:
        # Of our own, since the others may be closed, and their numbers used again, before the process has started.
        spaces = [os.dup(space) for space in self.spaces()]
        try:
            ended = await anyio.run_process(
                (sys.executable, "-I", "-S", "-c", _CODE, what, path, *map(str, (*spaces, self.user))),
                stdin=standard_input,
                stdout=standard_output,
                pass_fds=spaces,
                check=False,
                cwd="/",
                env={},
                start_new_session=True,
            )
        finally:
            for space in spaces:
                os.close(space)
        if ended.returncode != 0:
            reason = ended.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise InvalidInput(f"container:{path}: {reason}")
