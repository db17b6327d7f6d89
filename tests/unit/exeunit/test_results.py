from datetime import UTC, datetime

import msgspec

from golem_vpn.exeunit.results import CommandResult, Outcome, Output

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_an_entry_in_the_form_of_the_api() -> None:
    entry = CommandResult(
        index=2,
        event_date=NOON,
        result=Outcome.ERROR,
        stdout=Output(b"caf\xc3\xa9 \xff"),
        stderr=Output(b"\x00\xff", binary=True),
        message="exited with code 1",
        is_batch_finished=True,
    )
    assert entry.as_json() == {
        "index": 2,
        "eventDate": "2026-11-22T12:00:00.000000Z",
        "result": "Error",
        "stdout": "café \N{REPLACEMENT CHARACTER}",
        "stderr": [0, 255],
        "message": "exited with code 1",
        "isBatchFinished": True,
    }


def test_an_entry_survives_the_way_between_daemons() -> None:
    entry = CommandResult(index=0, event_date=NOON, result=Outcome.OK, stdout=Output(b"\xff"), is_batch_finished=False)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(entry), type=CommandResult) == entry


def test_the_size_counts_outputs_and_message() -> None:
    small = CommandResult(index=0, event_date=NOON, result=Outcome.OK, is_batch_finished=True)
    large = msgspec.structs.replace(small, stdout=Output(b"a" * 1000), stderr=Output(b"b" * 1000))
    assert large.size - small.size == 2000
    assert len(msgspec.msgpack.encode(large)) <= large.size
