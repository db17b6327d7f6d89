"""Which processors a payload runs on, where its share of them can't be limited by a control group."""

import math
import os
from itertools import count

_turns = count()


def hold_to_processors(process_id: int, cores: float) -> None:
    """Lets a process, and all that it will start, run on so many processors; activities take turns with which.

    The payload can't take it back: its system call filter refuses that.
    """
    available = sorted(os.sched_getaffinity(0))
    wanted = min(len(available), math.ceil(cores))
    first = next(_turns) * wanted
    os.sched_setaffinity(process_id, {available[(first + index) % len(available)] for index in range(wanted)})
