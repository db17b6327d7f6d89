"""What a process and all its descendants use of the machine, as the kernel tells it."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_KIB = 1024
_OF_MEMORY = ("RssAnon", "RssShmem", "VmSwap")
_SHARED_OUT = ("Pss_Anon", "Pss_Shmem", "SwapPss")
_NOT_ON_DISK = ("/memfd:", "/dev/")


def cpu_seconds_below(process_id: int) -> float:
    """Adds up what a process and its living descendants have used; 0 if it is gone."""
    ticks = 0
    for process in descendants(process_id):
        with suppress(OSError):
            # Its own, and those of the children that it has waited for. See proc_pid_stat(5) for the fields.
            ticks += sum(map(int, _statistics(process)[11:15]))
    return ticks / _TICKS


def memory_below(process_id: int, at_most: int | None = None) -> int:
    """Adds up the memory in bytes that is not a copy of a file's.

    Pages that several processes share count for each of them, which is quick to find out, unless that is more than
    `at_most`: then they count once.
    """
    processes = list(descendants(process_id))
    total = sum(map(_resident, processes))
    if at_most is None or total <= at_most:
        return total
    return sum(_kibibytes(f"/proc/{process}/smaps_rollup", _SHARED_OUT) or _resident(process) for process in processes)


def deleted_files_below(process_id: int) -> int:
    """Adds up the sizes in bytes of files that have no name any more, but are open."""
    sizes: dict[tuple[int, int], int] = {}
    for process in descendants(process_id):
        with suppress(OSError):
            for link in os.scandir(f"/proc/{process}/fd"):
                with suppress(OSError):
                    name = os.readlink(link.path)
                    if name.endswith(" (deleted)") and not name.startswith(_NOT_ON_DISK):
                        found = link.stat()
                        sizes[found.st_dev, found.st_ino] = found.st_blocks * 512
    return sum(sizes.values())


def descendants(process_id: int) -> Iterator[int]:
    """Gives a process and all that stem from it, as far as they live."""
    pending = [process_id]
    while pending:
        current = pending.pop()
        yield current
        with suppress(OSError):
            for task in os.listdir(f"/proc/{current}/task"):
                with suppress(OSError):
                    pending.extend(map(int, Path(f"/proc/{current}/task/{task}/children").read_text().split()))


def _statistics(process_id: int) -> list[str]:
    """Gives the fields after the name, which stands in parentheses and may hold anything."""
    return Path(f"/proc/{process_id}/stat").read_text(errors="replace").rpartition(")")[2].split()


def _resident(process_id: int) -> int:
    return _kibibytes(f"/proc/{process_id}/status", _OF_MEMORY)


def _kibibytes(path: str, names: tuple[str, ...]) -> int:
    """Adds up some fields, which are in KiB, in bytes."""
    try:
        lines = Path(path).read_text(errors="replace").splitlines()
    except OSError:
        return 0  # ended meanwhile
    fields = (line.partition(":") for line in lines)
    return sum(int(value.split()[0]) for name, _, value in fields if name in names) * _KIB
