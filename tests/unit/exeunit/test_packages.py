"""An activity's image is fetched when it is deployed, told of meanwhile, and let go when the payload has ended."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from golem_vpn.errors import TransferFailed
from golem_vpn.exeunit.events import Progress as ProgressEvent
from golem_vpn.exeunit.exeunit import ExeUnit
from golem_vpn.images.packages import Package
from golem_vpn.images.progress import OnProgress, Progress, Step
from tests.unit.exeunit.kit import REQUESTOR, open_activity, shell, text_of

pytestmark = pytest.mark.anyio


@dataclass
class NotedPackages:
    """Gives one directory, and notes who has it."""

    path: Path
    held: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def resolve(self, task_package: str, requestor: str, on_progress: OnProgress) -> Package:
        self.asked.append((task_package, requestor))
        if not self.path.exists():
            raise TransferFailed("the image can't be had")
        on_progress(Progress(Step.DOWNLOAD, 5, 5))
        on_progress(Progress(Step.UNPACK, 9, 9))
        self.held += 1
        return Package(self.path, env=(("FROM", "image"),), directory="/srv", release=self.release)

    def release(self) -> None:
        self.held -= 1


def progress(unit: ExeUnit, batch_id: str) -> list[ProgressEvent]:
    events, _ = unit.events(batch_id, 0, 1 << 20)
    return [event.kind for event in events if isinstance(event.kind, ProgressEvent)]


async def test_an_image_is_held_until_the_payload_ends(tmp_path: Path) -> None:
    packages = NotedPackages(tmp_path)
    async with open_activity(tmp_path / "work", task_package="image", packages=packages) as activity:
        assert packages.asked == []
        batch_id = activity.begin({"deploy": {}}, {"start": {}}, shell("echo $FROM"))
        *_, ran = await activity.all_results(batch_id)
        assert text_of(ran) == "image\n"
        assert packages.asked == [("image", REQUESTOR)]
        assert progress(activity.unit, batch_id) == [
            ProgressEvent((0, 2), "downloading the image", 5, 5, "Bytes"),
            ProgressEvent((1, 2), "unpacking the image", 9, 9, "Bytes"),
        ]
        assert packages.held == 1
        await activity.do({"terminate": {}})
        assert packages.held == 0
        await activity.make_ready()
        assert packages.held == 1
    assert packages.held == 0


async def test_an_image_is_let_go_when_the_start_fails(tmp_path: Path) -> None:
    def fail(runtime: object) -> None:
        runtime.fail_to_start = True  # type: ignore[attr-defined]

    packages = NotedPackages(tmp_path)
    async with open_activity(tmp_path / "w", prepare=fail, task_package="image", packages=packages) as activity:
        *_, started = await activity.do({"deploy": {}}, {"start": {}})
        assert started.message == "it does not start"
        assert packages.held == 0


async def test_an_image_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    packages = NotedPackages(tmp_path / "nowhere")
    async with open_activity(tmp_path / "work", task_package="image", packages=packages) as activity:
        (deployed,) = await activity.do({"deploy": {}}, {"start": {}})
        assert deployed.message == "the image can't be had"
        assert activity.runtimes == []
