import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golem_vpn.errors import InvalidInput
from golem_vpn.exeunit.capture import AtEnd, Capture, CaptureMode, Stream
from golem_vpn.exeunit.script import (
    COMMANDS,
    MAX_COMMANDS,
    Deploy,
    DeployNetwork,
    Run,
    Sign,
    Start,
    Terminate,
    Transfer,
    parse_script,
)


def parse(*commands: Any) -> tuple[Any, ...]:
    return parse_script(json.dumps(commands))


def test_deploy_as_yapapi_writes_it() -> None:
    network = {
        "id": "0123456789abcdef0123456789abcdef",
        "ip": "192.168.0.0",
        "mask": "255.255.255.0",
        "nodeIp": "192.168.0.2",
        "nodes": {"192.168.0.2": "0xaa", "192.168.0.3": "0xbb"},
    }
    [deploy] = parse(
        {"deploy": {"net": [network], "hosts": {"db": "192.168.0.3"}, "hostname": "web-1", "env": {"A": "1"}}}
    )
    assert deploy == Deploy(
        net=(
            DeployNetwork(
                id=network["id"],  # type: ignore[arg-type]
                ip="192.168.0.0",
                mask="255.255.255.0",
                node_ip="192.168.0.2",
                nodes={"192.168.0.2": "0xaa", "192.168.0.3": "0xbb"},
            ),
        ),
        hosts={"db": "192.168.0.3"},
        hostname="web-1",
        env={"A": "1"},
    )


def test_the_other_commands() -> None:
    assert parse(
        {"start": {}},
        {"start": {"args": ["-v"]}},
        {"run": {"entry_point": "/bin/sh", "args": ["-c", "date"]}},
        {"transfer": {"from": "gftp://x", "to": "container:/in"}},
        {"sign": {}},
        {"terminate": None},
    ) == (
        Start(),
        Start(args=("-v",)),
        Run(entry_point="/bin/sh", args=("-c", "date")),
        Transfer(source="gftp://x", target="container:/in"),
        Sign(),
        Terminate(),
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"stream": {}}, CaptureMode(stream=Stream())),
        ({"stream": {"format": "string", "limit": 10}}, CaptureMode(stream=Stream(limit=10, format="string"))),
        ({"atEnd": {"format": "bin"}}, CaptureMode(at_end=AtEnd(format="bin"))),
        ({"atEnd": {"headTail": 8}}, CaptureMode(at_end=AtEnd(head_tail=8))),
    ],
)
def test_capture_as_clients_write_it(written: dict[str, Any], meant: CaptureMode) -> None:
    [run] = parse({"run": {"entry_point": "ls", "capture": {"stdout": written}}})
    assert run.capture == Capture(stdout=meant)


def test_volumes_as_a_list_and_as_a_map() -> None:
    as_list, as_map = parse({"deploy": {"volumes": ["/data"]}}, {"deploy": {"volumes": {"/data": {"host": {}}}}})
    assert as_list.volumes == ("/data",)
    assert as_map.volumes == {"/data": {"host": {}}}


def test_unknown_fields_are_ignored() -> None:
    assert parse({"terminate": {"why": "not"}}) == (Terminate(),)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "not a JSON list of commands"),
        ("{", "not a JSON list of commands"),
        ('{"start": {}}', "not a JSON list of commands: Expected `array`"),
        ("[]", "has no commands"),
        ("[1]", r"Expected `object`, got `int` - at `\$\[0\]`"),
        ('[{"start": {}}, {}]', "command 1: expected an object with one key, the command's name; got 0 keys"),
        ('[{"start": {}, "sign": {}}]', "got 2 keys"),
        ('[{"destroy": {}}]', "command 0: 'destroy' is none of deploy, start"),
        ('[{"start": []}]', r"command 0 \(start\): Expected `object`, got `array`"),
        ('[{"run": {}}]', "missing required field `entry_point`"),
        ('[{"run": {"entry_point": ""}}]', "entry_point is empty"),
        ('[{"run": {"entry_point": "a", "args": ["b", 1]}}]', r"Expected `str`, got `int` - at `\$.args\[1\]`"),
        (r'[{"run": {"entry_point": "a\u0000"}}]', "zero byte"),
        ('[{"run": {"entry_point": "a", "env": {"A=": "1"}}}]', "environment variable"),
        (
            '[{"run": {"entry_point": "a", "capture": {"stdout": {}}}}]',
            r"either atEnd or stream - at `\$.capture.stdout`",
        ),
        ('[{"run": {"entry_point": "a", "capture": {"stdout": {"stream": {"limit": -1}}}}}]', "negative"),
        ('[{"run": {"entry_point": "a", "capture": {"stderr": {"atEnd": {"head": 1, "tail": 1}}}}}]', "only one of"),
        ('[{"deploy": {"net": [{"id": "a", "ip": "10.0.0.0"}]}}]', r"field `nodeIp` - at `\$.net\[0\]`"),
        ('[{"deploy": {"hostname": "a b"}}]', "'a b' is not a host name"),
        ('[{"deploy": {"hosts": {"x\\ny": "10.0.0.1"}}}]', "is not a host name"),
    ],
)
def test_bad_scripts_say_where(text: str, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        parse_script(text)


def test_a_deeply_nested_text() -> None:
    with pytest.raises(InvalidInput, match="not a JSON list"):
        parse_script('[{"deploy": {"progress": {"x": ' + "[" * 100_000)


def test_too_many_commands() -> None:
    with pytest.raises(InvalidInput, match="10001 commands"):
        parse(*[{"sign": {}}] * (MAX_COMMANDS + 1))


bodies = (
    st.none()
    | st.integers()
    | st.dictionaries(
        st.sampled_from(["args", "entry_point", "capture", "net", "hosts", "from", "to"]),
        st.none()
        | st.text(max_size=5)
        | st.lists(st.text(max_size=5), max_size=2)
        | st.fixed_dictionaries({"stdout": st.none()}),
        max_size=2,
    )
)


@given(st.lists(st.dictionaries(st.sampled_from([*COMMANDS, "x"]), bodies, max_size=2), max_size=4))
def test_any_json_gives_commands_or_a_complaint(commands: list[Any]) -> None:
    with suppress(InvalidInput):
        parsed = parse(*commands)
        assert [command.name for command in parsed] == [next(iter(command)) for command in commands]


@given(st.text())
def test_any_text_gives_commands_or_a_complaint(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_script(text)
