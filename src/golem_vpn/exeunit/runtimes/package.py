"""Task packages: unpacked root file systems, and tar archives of them."""

import os
import stat
import tarfile
from pathlib import Path

from golem_vpn.errors import InvalidInput


def check_package(package: Path) -> None:
    """Says early what is wrong with a task package.

    Raises:
        InvalidInput: there is no such directory or archive, or it can't be read.
    """
    try:
        mode = package.stat().st_mode
    except OSError as error:
        raise InvalidInput(f"task package {package}: {error.strerror}") from error
    if not os.access(package, os.R_OK):
        raise InvalidInput(f"task package {package}: not readable by the provider")
    if not stat.S_ISDIR(mode) and not (stat.S_ISREG(mode) and tarfile.is_tarfile(package)):
        raise InvalidInput(f"task package {package}: neither a directory nor a tar archive of a root file system")


def unpack(archive: Path, directory: Path) -> None:
    """Unpacks a tar archive as files of the daemon's user, which is root inside; none of them outside of `directory`.

    Raises:
        InvalidInput: the archive is damaged, or has a member that would leave the directory.
    """
    try:
        with tarfile.open(archive) as members:
            members.extractall(directory, filter=_harmless)  # noqa: S202 - the filter keeps it inside
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InvalidInput(f"task package {archive}: {error}") from error


def _harmless(member: tarfile.TarInfo, directory: str) -> tarfile.TarInfo | None:
    """Leaves out devices, of which the sandbox has its own, and keeps everything inside.

    Absolute symbolic links mean the archive's own root directory, and are made relative to it.
    """
    if member.isdev():
        return None
    if member.issym() and member.linkname.startswith("/"):
        inside = os.path.relpath(member.linkname, os.path.join("/", os.path.dirname(member.name)))
        member = member.replace(linkname=inside, deep=False)
    return tarfile.data_filter(member, directory)
