"""ExeScripts: the JSON text that a requestor sends, and the commands that it means.

A script is a list of objects with one key each, the command's name: `[{"deploy": {}}, {"start": {}}, {"run": {…}}]`.
"""

import re
from typing import Any, ClassVar

import msgspec

from golem_vpn.errors import InvalidInput
from golem_vpn.exeunit.capture import Capture

MAX_COMMANDS = 10_000
"""Far above any real script; bounds the memory that one request can take."""

_HOST_NAME = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*"
)


class DeployNetwork(msgspec.Struct, frozen=True, rename="camel"):
    """One network that the payload gets an address in."""

    id: str
    ip: str
    node_ip: str
    mask: str | None = None
    gateway: str | None = None
    nodes: dict[str, str] = {}


class Deploy(msgspec.Struct, frozen=True, rename="camel"):
    """Prepares the payload's place: its file system, its networks, its names."""

    name: ClassVar[str] = "deploy"

    net: tuple[DeployNetwork, ...] = ()
    hosts: dict[str, str] = {}
    hostname: str | None = None
    volumes: tuple[str, ...] | dict[str, dict[str, Any]] = ()
    env: dict[str, str] = {}
    progress: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        for host in (*self.hosts, *([] if self.hostname is None else [self.hostname])):
            if not _HOST_NAME.fullmatch(host):
                raise ValueError(f"{host!r} is not a host name")
        _check_environment(self.env)


class Start(msgspec.Struct, frozen=True):
    """Brings the payload's place up and joins its networks."""

    name: ClassVar[str] = "start"

    args: tuple[str, ...] = ()


class Run(msgspec.Struct, frozen=True):
    """Runs a program to its end."""

    name: ClassVar[str] = "run"

    entry_point: str
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    capture: Capture | None = None

    def __post_init__(self) -> None:
        if not self.entry_point:
            raise ValueError("entry_point is empty")
        if any("\0" in text for text in (self.entry_point, *self.args)):
            raise ValueError("entry_point and args cannot hold a zero byte")
        _check_environment(self.env)


class Transfer(msgspec.Struct, frozen=True):
    """Copies a file between the requestor and the payload."""

    name: ClassVar[str] = "transfer"

    source: str = msgspec.field(name="from")
    target: str = msgspec.field(name="to")
    format: str | None = None
    depth: int | None = None
    fileset: Any = None
    progress: dict[str, Any] | None = None


class Sign(msgspec.Struct, frozen=True):
    """Asks for a signature over the results so far."""

    name: ClassVar[str] = "sign"


class Terminate(msgspec.Struct, frozen=True):
    """Ends the payload; the activity can be deployed anew."""

    name: ClassVar[str] = "terminate"


Command = Deploy | Start | Run | Transfer | Sign | Terminate

COMMANDS: dict[str, type[Command]] = {kind.name: kind for kind in (Deploy, Start, Run, Transfer, Sign, Terminate)}


def parse_script(text: str) -> tuple[Command, ...]:
    """Reads the text of a script.

    Raises:
        InvalidInput: the text is no script; the message says where.
    """
    try:
        entries = msgspec.json.decode(text, type=list[dict[str, Any]])
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidInput(f"the script is not a JSON list of commands: {error}") from error
    if not entries:
        raise InvalidInput("the script has no commands")
    if len(entries) > MAX_COMMANDS:
        raise InvalidInput(f"the script has {len(entries)} commands, {MAX_COMMANDS} are allowed")
    return tuple(_parse_command(index, entry) for index, entry in enumerate(entries))


def _parse_command(index: int, entry: dict[str, Any]) -> Command:
    if len(entry) != 1:
        raise InvalidInput(
            f"command {index}: expected an object with one key, the command's name; got {len(entry)} keys"
        )
    [(name, body)] = entry.items()
    kind = COMMANDS.get(name)
    if kind is None:
        raise InvalidInput(f"command {index}: {name!r} is none of {', '.join(COMMANDS)}")
    try:
        return msgspec.convert({} if body is None else body, type=kind)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"command {index} ({name}): {error}") from error


def _check_environment(variables: dict[str, str]) -> None:
    for name, value in variables.items():
        if not name or "=" in name or "\0" in name + value:
            raise ValueError(f"{name!r} cannot be the name of an environment variable, or its value holds a zero byte")
