"""What an activity's root file system comes from."""

from typing import Protocol

from golem_vpn.exeunit.outputs import Outputs
from golem_vpn.images.packages import Package
from golem_vpn.images.progress import OnProgress, Progress, Step

_MESSAGES = {Step.DOWNLOAD: "downloading the image", Step.UNPACK: "unpacking the image"}


class PackageSource(Protocol):
    """Gets what task packages name."""

    async def resolve(self, task_package: str, requestor: str, on_progress: OnProgress) -> Package:
        """Gives the root file system that a requestor's task package names; it stays until it is released.

        Raises:
            InvalidInput: the task package is malformed, or what it names is damaged or too large.
            TransferFailed: it can't be had.
        """
        ...


def told_to(outputs: Outputs) -> OnProgress:
    """Tells the requestor of progress, as the events of the command that waits."""

    def on_progress(progress: Progress) -> None:
        step = (progress.step, len(Step))
        outputs.progress(step, _MESSAGES[progress.step], progress.done, progress.total, "Bytes")

    return on_progress
