"""Volumes: directories that stay as long as the activity, with an image and without."""

from pathlib import Path
from typing import Any

import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.exeunit.runtimes.base import Volume
from tests.net.activities import activity
from tests.net.rootfs import make_root

pytestmark = [pytest.mark.network, pytest.mark.anyio]

DATA = Volume(path="/golem/data/deep", size_bytes=1 << 30)
MEMORY = Volume(path="/golem/fast", size_bytes=1 << 20, in_memory=True)


@pytest.mark.parametrize("with_image", [False, True])
async def test_volumes_stay_over_a_new_deployment(with_image: bool, tmp_path: Path) -> None:
    image = make_root(tmp_path / "image", ("dd", "stat")) if with_image else None
    deployment: dict[str, Any] = {"addresses": (), "task_package": image, "volumes": (DATA, MEMORY)}
    async with activity(tmp_path / "work", **deployment) as first:
        assert first.deployed.volumes == ("/golem/work", "/golem/data/deep", "/golem/fast")
        assert "size of the volume /golem/data/deep" in first.deployed.unenforced[0]
        await first.output("echo kept > /golem/data/deep/file; echo quick > /golem/fast/file")
        full = await first.shell("dd if=/dev/zero of=/golem/fast/large bs=1M count=2")
        assert "No space left" in full.stderr
    async with activity(tmp_path / "work", **deployment) as second:
        assert await second.output("cat /golem/data/deep/file; ls /golem/fast") == "kept\n"


async def test_volumes_that_cannot_be(tmp_path: Path) -> None:
    for path, complaint in (("/golem", "would cover"), ("/usr/data", "which is the provider's")):
        with pytest.raises(InvalidInput, match=complaint):
            async with activity(tmp_path / "work", addresses=(), volumes=(Volume(path=path),)):
                pass
