import struct
from ipaddress import ip_interface
from pathlib import Path

import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.exeunit.runtimes import messages


def text(value: str) -> bytes:
    return struct.pack("<I", len(value)) + value.encode()


def test_a_command_is_written_field_by_field() -> None:
    written = messages.encode_run(3, "echo", ["a", "b"], [("PATH", "/bin")], "/golem/work")
    fields = (b"\0\3\0\0\0", text("echo"), b"\2\0\0\0", text("a"), text("b"), b"\1\0\0\0", text("PATH=/bin"))
    assert written == b"".join(fields) + text("/golem/work")


def test_addresses_are_written_with_their_prefix() -> None:
    written = messages.encode_set_addresses(1, [ip_interface("10.0.0.1/24")])
    assert written == b"\2\1\0\0\0\1\0\0\0" + text("10.0.0.1/24")


def test_a_set_up_without_a_device_has_an_empty_list_there() -> None:
    setup = messages.Setup(
        users=messages.Users("0 1 1", "0 2 1", False, messages.Standing.ROOT),
        hostname="a",
        device=None,
        mount_point=Path("/m"),
        root=messages.EmptyRoot("size=1m"),
        steps=(messages.Link("/bin", "usr/bin"), messages.Seal()),
        open_files=5,
        processes=6,
        file_size=7,
    )
    users = text("0 1 1") + text("0 2 1") + b"\0\1"
    steps = b"\2\0\0\0" + b"\3" + text("/bin") + text("usr/bin") + b"\x08"
    expected = users + text("a") + b"\0\0\0\0" + text("/m") + b"\0" + text("size=1m") + steps
    assert setup.encode() == expected + struct.pack("<IIQ", 5, 6, 7)


def test_replies_are_read() -> None:
    failure = text("device") + text("open it: refused") + struct.pack("<i", 13)
    failed = messages.Failed("device", "open it: refused", 13)
    assert messages.decode_reply(b"\0") == messages.Ready()
    assert messages.decode_reply(b"\1" + failure) == failed
    assert messages.decode_reply(b"\2" + struct.pack("<Ii", 7, 137)) == messages.Exited(7, 137)
    assert messages.decode_reply(b"\3" + struct.pack("<I", 7)) == messages.Done(7)
    assert messages.decode_reply(b"\4" + struct.pack("<I", 7) + failure) == messages.Refused(7, failed)


@pytest.mark.parametrize("reply", [b"", b"\x09", b"\2\0", b"\1\1\0\0", b"\1" + text("device") + text("x")])
def test_malformed_replies_are_errors(reply: bytes) -> None:
    with pytest.raises(ValueError, match="reply"):
        messages.decode_reply(reply)


@pytest.mark.parametrize("argument", ["zero\0byte", "half a pair \ud800"])
def test_what_no_program_could_be_given_is_refused(argument: str) -> None:
    with pytest.raises(InvalidInput):
        messages.encode_run(1, "true", [argument], [], "/")
