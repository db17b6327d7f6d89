"""How many files and sockets a process may have open."""

import resource


def allow_many_descriptors() -> None:
    """Takes as many as the system gives without asking: the usual limit is 1,024, for gates by the thousand too few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
