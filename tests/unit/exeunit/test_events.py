from datetime import UTC, datetime

from golem_vpn.exeunit.events import (
    MAX_COMMAND_BYTES,
    TRANSIENT_LIMIT,
    BatchEvent,
    EventLog,
    Finished,
    Kind,
    Progress,
    Started,
    Written,
)
from golem_vpn.exeunit.results import Output
from golem_vpn.exeunit.runtimes.base import Stream
from golem_vpn.exeunit.script import Run, parse_script
from golem_vpn.moments import RisingClock

STARTED = Started({"sign": {}})
FINISHED = Finished(0, None)
EVERYTHING = 1 << 30


def written(size: int = 1) -> Written:
    return Written(Stream.STDOUT, Output(b"x" * size))


class Noted:
    """A log, and how often it told of an event."""

    def __init__(self, *kinds: Kind) -> None:
        self.count = 0
        self.log = EventLog(RisingClock(), self._count)
        for kind in kinds:
            self.log.add(0, kind)

    def ids(self, after: int = 0, most_bytes: int = EVERYTHING) -> list[int]:
        return [event.id for event in self.log.after(after, most_bytes)]

    def _count(self) -> None:
        self.count += 1


def test_events_have_rising_ids_and_dates() -> None:
    noted = Noted(STARTED, written(), FINISHED)
    events = noted.log.after(0, EVERYTHING)
    assert [event.id for event in events] == [1, 2, 3]
    assert [event.kind for event in events] == [STARTED, written(), FINISHED]
    assert events[0].date < events[1].date < events[2].date
    assert noted.count == 3


def test_a_reader_goes_on_where_it_was() -> None:
    noted = Noted(STARTED, written(), FINISHED)
    assert noted.ids(after=1) == [2, 3]
    assert noted.ids(after=3) == []
    assert noted.ids(after=99) == []


def test_a_page_has_one_event_at_least() -> None:
    noted = Noted(STARTED, written(1000), written(1000), FINISHED)
    assert noted.ids(most_bytes=0) == [1]
    assert noted.ids(after=1, most_bytes=1500) == [2]


def test_old_output_gives_way_to_new_but_beginnings_and_ends_stay() -> None:
    half = TRANSIENT_LIMIT // 2
    noted = Noted(STARTED, written(half), Progress((0, 1), None, 0, None, None), written(half), FINISHED)
    assert noted.ids() == [1, 3, 4, 5]
    assert noted.log.size < TRANSIENT_LIMIT + 1000


def test_a_long_command_is_only_named() -> None:
    [short] = parse_script('[{"run": {"entry_point": "/bin/ls", "args": ["-l"]}}]')
    command = Started.of_command(short).command
    assert (command["run"]["entry_point"], command["run"]["args"]) == ("/bin/ls", ("-l",))
    long = Run(entry_point="x" * MAX_COMMAND_BYTES)
    assert Started.of_command(long).command == {"run": {}}


def test_the_form_of_the_activity_api() -> None:
    def as_json(kind: Kind) -> object:
        return BatchEvent(7, 2, datetime(2026, 11, 22, 12, tzinfo=UTC), kind).as_json("b")

    def event(kind: object) -> dict[str, object]:
        return {"batch_id": "b", "index": 2, "timestamp": "2026-11-22T12:00:00.000000", "kind": kind}

    assert as_json(STARTED) == event({"started": {"command": {"sign": {}}}})
    assert as_json(written()) == event({"stdout": "x"})
    assert as_json(Written(Stream.STDERR, Output(b"\xff", binary=True))) == event({"stderr": [255]})
    assert as_json(Finished(3, "no")) == event({"finished": {"return_code": 3, "message": "no"}})
    progress = {"step": (1, 2), "message": "copying", "progress": (5, None), "unit": "Bytes"}
    assert as_json(Progress((1, 2), "copying", 5, None, "Bytes")) == event({"progress": progress})
