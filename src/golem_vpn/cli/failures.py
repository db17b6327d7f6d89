"""What an error means to the person at the terminal: its cause and its cure."""

from golem_vpn.errors import GolemVpnError

FILE_CURE = "The file system said so. `--data-dir` names another data folder, one that this user may read and write."


def explain(error: BaseException) -> list[tuple[str, str]]:
    """Gives cause and cure of an error, of each where several happened at once; nothing for one that is a bug."""
    if isinstance(error, GolemVpnError):
        return [(error.message, " ".join((type(error).__doc__ or "").split()))]
    if isinstance(error, OSError) and error.filename is not None:
        return [(f"{error.filename}: {error.strerror}", FILE_CURE)]
    if isinstance(error, BaseExceptionGroup):
        parts = [explain(part) for part in error.exceptions]
        # Two tasks often fail for one reason.
        return list(dict.fromkeys(line for part in parts for line in part)) if all(parts) else []
    return []
