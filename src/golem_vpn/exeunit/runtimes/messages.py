"""What the daemon and an activity's sandbox process tell each other; the other side is `native/io/src/sandbox`.

One message a packet. Numbers are little-endian; a text or a list stands after its length. The other side trusts that
messages are well-formed, so what can't be written here raises InvalidInput.
"""

import struct
from collections.abc import Iterable, Sequence
from enum import IntEnum
from ipaddress import IPv4Interface, IPv6Interface
from pathlib import Path

import msgspec

from golem_vpn.errors import InvalidInput

Interface = IPv4Interface | IPv6Interface


class Standing(IntEnum):
    """Who payloads are inside."""

    GUEST = 0
    """A user without any capability."""
    ROOT = 1
    """Root of these namespaces, beside other users that it may become."""
    ONLY_ROOT = 2
    """Root of these namespaces, where there is no other user."""


class Users(msgspec.Struct, frozen=True):
    """Which of the host's users and groups are which inside, in the form of `/proc/PID/uid_map`."""

    user_map: str
    group_map: str
    may_drop_groups: bool
    """Whether `setgroups` stays allowed; an ordinary user has to give it up before mapping groups."""
    standing: Standing


class Device(msgspec.Struct, frozen=True):
    """The network interface to make, through the host's TUN device node."""

    node: Path
    name: str
    mtu: int
    addresses: tuple[Interface, ...]


class EmptyRoot(msgspec.Struct, frozen=True):
    """A root directory with nothing but what the steps make."""

    options: str


class LayeredRoot(msgspec.Struct, frozen=True):
    """The `lower` directories on top of each other, the first uppermost; changes go to `upper`."""

    lower: tuple[Path, ...]
    upper: Path
    scratch: Path
    translated: bool
    """Whether owners of what is in `lower` have the numbers that they have inside, whatever the host's mean."""


class DirectoryRoot(msgspec.Struct, frozen=True):
    """A directory of this activity alone."""

    source: Path


class Tmpfs(msgspec.Struct, frozen=True):
    """A directory in memory."""

    target: str
    options: str


class Show(msgspec.Struct, frozen=True):
    """A directory of the host, with all that is mounted in it, or a file: read-only."""

    source: Path
    target: str


class Share(msgspec.Struct, frozen=True):
    """A directory of the host that the payload may change."""

    source: Path
    target: str


class Link(msgspec.Struct, frozen=True):
    """A symbolic link."""

    target: str
    text: str


class Hide(msgspec.Struct, frozen=True):
    """A cover over what is there, if anything is."""

    target: str


class Processes(msgspec.Struct, frozen=True):
    """`/proc`."""


class System(msgspec.Struct, frozen=True):
    """`/sys`."""


class Devices(msgspec.Struct, frozen=True):
    """`/dev`; the options are those of the file systems for terminals and for shared memory."""

    terminals: str
    memory: str


class Seal(msgspec.Struct, frozen=True):
    """Forbids changes of the root's own directory."""


Root = EmptyRoot | LayeredRoot | DirectoryRoot
Step = Tmpfs | Show | Share | Link | Hide | Processes | System | Devices | Seal
MAX_LENGTH = 512 * 1024
"""The longest message that the other side takes."""
_STEPS: tuple[type[Step], ...] = (Tmpfs, Show, Share, Link, Hide, Processes, System, Devices, Seal)


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """The first message: everything that stays for the life of the namespaces."""

    users: Users
    hostname: str
    device: Device | None
    mount_point: Path
    root: Root
    steps: tuple[Step, ...]
    open_files: int
    processes: int
    file_size: int
    """In bytes, of each file; so large where it is not limited that no file is."""

    def encode(self) -> bytes:
        """Writes the message."""
        devices = [] if self.device is None else [_device(self.device)]
        return b"".join(
            (
                _text(self.users.user_map),
                _text(self.users.group_map),
                bytes([self.users.may_drop_groups, self.users.standing]),
                _text(self.hostname),
                _items(devices),
                _text(self.mount_point),
                _root(self.root),
                _items(map(_step, self.steps)),
                _number(self.open_files),
                _number(self.processes),
                struct.pack("<Q", self.file_size),
            )
        )


class Ready(msgspec.Struct, frozen=True):
    """All is set up; the interface's descriptor comes with it."""


class Failed(msgspec.Struct, frozen=True):
    """A step that the system refused; `part` says what it belongs to, `code` is the error number or 0."""

    part: str
    text: str
    code: int


class Exited(msgspec.Struct, frozen=True):
    """A program has ended."""

    number: int
    code: int


class Done(msgspec.Struct, frozen=True):
    """A request other than to run a program is fulfilled."""

    number: int


class Refused(msgspec.Struct, frozen=True):
    """A request can't be fulfilled, and has changed nothing."""

    number: int
    failure: Failed


Reply = Ready | Failed | Exited | Done | Refused


def encode_run(
    number: int, program: str, arguments: Sequence[str], environment: Sequence[tuple[str, str]], directory: str
) -> bytes:
    """Writes the request to run a program; its three standard streams go with it."""
    variables = (_text(f"{name}={value}") for name, value in environment)
    return b"".join(
        (b"\0", _number(number), _text(program), _items(map(_text, arguments)), _items(variables), _text(directory))
    )


def encode_kill(number: int) -> bytes:
    """Writes the request to kill the program of an earlier request."""
    return b"\1" + _number(number)


def encode_set_addresses(number: int, addresses: Sequence[Interface]) -> bytes:
    """Writes the request to replace the interface's addresses."""
    return b"\2" + _number(number) + _items(_text(str(address)) for address in addresses)


def decode_reply(message: bytes) -> Reply:
    """Reads what the sandbox process tells.

    Raises:
        ValueError: the message is of no known form.
    """
    kind, rest = message[:1], message[1:]
    try:
        match kind:
            case b"\0":
                return Ready()
            case b"\1":
                return _failed(rest)
            case b"\2":
                return Exited(*struct.unpack("<Ii", rest))
            case b"\3":
                return Done(*struct.unpack("<I", rest))
            case b"\4":
                (number,) = struct.unpack("<I", rest[:4])
                return Refused(number, _failed(rest[4:]))
            case _:
                raise ValueError("no such reply")
    except struct.error as error:
        raise ValueError("the reply is malformed") from error


def _failed(rest: bytes) -> Failed:
    texts = []
    for _ in range(2):
        (length,) = struct.unpack("<I", rest[:4])
        texts.append(rest[4 : 4 + length].decode())
        rest = rest[4 + length :]
    part, text = texts
    return Failed(part, text, *struct.unpack("<i", rest))


def _device(device: Device) -> bytes:
    addresses = _items(_text(str(address)) for address in device.addresses)
    return _text(device.node) + _text(device.name) + struct.pack("<H", device.mtu) + addresses


def _root(root: Root) -> bytes:
    match root:
        case EmptyRoot(options):
            return b"\0" + _text(options)
        case LayeredRoot(lower, upper, scratch, translated):
            return b"\1" + _items(map(_text, lower)) + _text(upper) + _text(scratch) + bytes([translated])
        case DirectoryRoot(source):
            return b"\2" + _text(source)


def _step(step: Step) -> bytes:
    fields: tuple[str | Path, ...] = msgspec.structs.astuple(step)
    return bytes([_STEPS.index(type(step))]) + b"".join(map(_text, fields))


def _number(value: int) -> bytes:
    return struct.pack("<I", value)


def _text(value: str | Path) -> bytes:
    try:
        data = str(value).encode(errors="surrogateescape")
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{str(value)!r} is not Unicode text") from error
    if b"\0" in data:
        raise InvalidInput(f"{str(value)!r} holds a zero byte")
    return _number(len(data)) + data


def _items(items: Iterable[bytes]) -> bytes:
    items = list(items)
    return _number(len(items)) + b"".join(items)
