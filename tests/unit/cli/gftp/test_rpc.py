import json

import msgspec
import pytest

from golem_vpn.cli.gftp import rpc
from golem_vpn.cli.gftp.rpc import Code, RpcError


class Wanted(msgspec.Struct):
    file: str


def test_requests_are_read() -> None:
    request = rpc.parse(b'{"jsonrpc":"2.0","method":"version","params":{},"id":7}')
    assert (request.method, request.params, request.id) == ("version", {}, 7)
    assert rpc.parse(b'{"method":"m","id":"a-b"}').id == "a-b"
    assert rpc.parse(b'{"method":"m"}').id is msgspec.UNSET
    assert rpc.parameters(rpc.parse(b'{"method":"m","params":{"file":"f","more":1}}'), Wanted).file == "f"


@pytest.mark.parametrize(
    ("line", "code", "request_id"),
    [
        (b"", Code.NO_JSON, None),
        (b"banana", Code.NO_JSON, None),
        (b"\xff", Code.NO_JSON, None),
        (b"[" * 100_000, Code.NO_JSON, None),
        (b"[]", Code.NO_REQUEST, None),
        (b'{"id":3}', Code.NO_REQUEST, 3),
        (b'{"method":"m","params":["positional"],"id":"x"}', Code.NO_REQUEST, "x"),
        (b'{"method":"m","id":{}}', Code.NO_REQUEST, None),
    ],
)
def test_what_is_no_request(line: bytes, code: Code, request_id: object) -> None:
    with pytest.raises(RpcError) as refused:
        rpc.parse(line)
    assert (refused.value.code, refused.value.request_id) == (code, request_id)


def test_wrong_parameters_are_named() -> None:
    with pytest.raises(RpcError, match="file") as refused:
        rpc.parameters(rpc.parse(b'{"method":"m"}'), Wanted)
    assert refused.value.code is Code.WRONG_PARAMETERS


def test_answers_are_lines() -> None:
    assert json.loads(rpc.result(1, ["ok"])) == {"jsonrpc": "2.0", "result": ["ok"], "id": 1}
    assert rpc.result(1, "two\nlines").count(b"\n") == 1
    refused = json.loads(rpc.refusal(None, Code.NO_JSON, "no"))
    assert refused == {"jsonrpc": "2.0", "error": {"code": -32700, "message": "no"}, "id": None}
