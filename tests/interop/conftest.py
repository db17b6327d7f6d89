"""What the tests with Golem's SDKs share: a local set of daemons, images, and an environment for each SDK."""

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from golem_vpn.cli.commands.local import bring_up
from golem_vpn.cli.local_set import ANY_PORT, SUBNET, LocalSet
from golem_vpn.cli.processes import DaemonProcess
from golem_vpn.cli.session import app_key, daemon_file
from tests.net.commands import golem_vpn

ROOT = Path(__file__).parents[2]
PROVIDERS = 2
"""Unless a test asks for others."""
IMAGES = {
    "ssh": ("sshd", "ssh-keygen", "bash", "busybox"),
    "web": ("nginx", "busybox", "curl"),
}


@dataclass(frozen=True)
class Golem:
    """A requestor and providers, as applications see them."""

    local: LocalSet
    api: str
    key: str
    packages: dict[str, str]
    """Task packages of the images, by name."""

    @property
    def environment(self) -> dict[str, str]:
        """What `golem-vpn local env` exports, and the daemon's own programs on the path."""
        return {
            "YAGNA_API_URL": self.api,
            "YAGNA_APPKEY": self.key,
            "YAGNA_SUBNET": SUBNET,
            "GOLEM_REGISTRY_URL": self.api,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }

    def get(self, path: str, **query: str) -> Any:
        """Asks the requestor's daemon."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.get(f"{self.api}{path}", params=query, headers=headers).raise_for_status().json()

    def daemon(self, name: str) -> DaemonProcess:
        """Gives one of the daemons."""
        return next(daemon for daemon in self.local.daemons() if daemon.name == name)


@pytest.fixture(scope="session")
def golem(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Golem]:
    """Daemons that tests share."""
    with _running(tmp_path_factory.mktemp("golem") / "set", PROVIDERS, IMAGES) as golem:
        yield golem


@pytest.fixture
def own_golem(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Golem]:
    """Daemons of one test alone, which may kill them; its parameter is the number of providers."""
    with _running(tmp_path / "set", getattr(request, "param", PROVIDERS), ["web"]) as golem:
        yield golem


@contextmanager
def _running(folder: Path, providers: int, images: Iterable[str]) -> Iterator[Golem]:
    local = LocalSet(folder)
    bring_up(local, providers, ANY_PORT)
    try:
        packages = {name: _build(local.data_dir, name, IMAGES[name]) for name in images}
        yield Golem(local, daemon_file(local.data_dir).api, app_key(local.data_dir), packages)
    finally:
        local.down()


def _build(data_dir: Path, name: str, programs: tuple[str, ...]) -> str:
    options = [option for program in programs for option in ("--with", program)]
    printed = golem_vpn(data_dir, "image", "build", *options, "--tag", f"{name}:latest", "--json")
    package: str = json.loads(printed)["taskPackage"]
    return package


def node(program: Path, *arguments: str) -> list[str]:
    """Gives the command that runs a program of golem-js."""
    folder = sdk("golem-js")
    # Node finds the SDK, and what the examples share, beside the program.
    for file in (*(ROOT / "examples/golem-js").glob("*.mjs"), program):
        shutil.copy(file, folder)
    return ["node", str(folder / program.name), *arguments]


def sdk(name: str) -> Path:
    """Gives the folder of an SDK's environment, which `make` sets up."""
    folder = ROOT / ".interop" / name
    assert folder.is_dir(), f"{folder} is missing; `make interop` sets the SDKs' environments up"
    return folder
