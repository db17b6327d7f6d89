from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from flatbuffers import flexbuffers

from golem_vpn.errors import Conflict, Forbidden, Gone, InvalidInput, NotFound, Overloaded
from golem_vpn.files import bus as module
from golem_vpn.files.bus import Bus, BusService
from tests.unit.files.kit import House, Town, noise

pytestmark = pytest.mark.anyio

SOURCE = ["GetMetadata", "GetChunk"]
SINK = ["UploadChunk", "UploadFinished"]
STRANGER = "0x" + "5" * 40
CONTENT = noise(1_500_000)

Answer = Callable[[str, Any], Any]


@dataclass
class Application:
    """An application that answers at once."""

    service: BusService
    answer: Answer
    asked: list[str] = field(default_factory=list)

    async def send(self, data: bytes) -> None:
        request = flexbuffers.Loads(data)
        self.asked.append(request["component"])
        answer = self.answer(request["component"], request["payload"])
        self.service.take(bytes(flexbuffers.Dumps({"id": request["id"], "payload": answer})))


def open_bus(house: House, components: list[str]) -> tuple[Bus, str, str]:
    bus = Bus(house.exchange)
    service_id = bus.bind(house.id, "/public/gftp/some-name", components)
    return bus, service_id, f"gftp://{house.id}/some-name"


def has(content: bytes) -> Answer:
    def answer(component: str, payload: Any) -> Any:
        if component == "GetMetadata":
            return {"fileSize": len(content)}
        return {"content": content[payload["offset"] : payload["offset"] + payload["size"]], "offset": 0}

    return answer


async def test_an_application_s_file_is_fetched(town: Town) -> None:
    async with town.pair() as (alice, bob):
        bus, service_id, url = open_bus(alice, SOURCE)
        service = bus.find(alice.id, service_id)
        service.connect(Application(service, has(CONTENT)).send)
        await bob.fetcher.download(url, bob.home / "copy")
        assert (bob.home / "copy").read_bytes() == CONTENT
        with pytest.raises(NotFound):
            await bob.fetcher.upload(bob.home / "copy", url)
        bus.unbind(alice.id, service_id)
        with pytest.raises(NotFound):
            await bob.fetcher.download(url, bob.home / "again")


async def test_an_application_gets_a_file_in_order(town: Town) -> None:
    async with town.pair() as (alice, bob):
        bus, service_id, url = open_bus(alice, SINK)
        service = bus.find(alice.id, service_id)
        received = bytearray()
        finished: list[str] = []

        def answer(component: str, payload: Any) -> Any:
            if component == "UploadChunk":
                assert payload["chunk"]["offset"] == len(received)
                received.extend(payload["chunk"]["content"])
            else:
                finished.append(payload["hash"])

        service.connect(Application(service, answer).send)
        source = bob.write("source", CONTENT)
        await bob.fetcher.upload(source, url)
        await bob.fetcher.upload(source, url)
        assert bytes(received) == CONTENT
        assert len(finished) == 1
        with pytest.raises(Conflict, match="another file"):
            await bob.fetcher.upload(bob.write("other", b"other"), url)


async def test_whoever_asks_first_waits_for_the_connection(town: Town) -> None:
    async with town.pair() as (alice, bob):
        bus, service_id, url = open_bus(alice, SOURCE)
        service = bus.find(alice.id, service_id)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(bob.fetcher.download, url, bob.home / "copy")
            await anyio.wait_all_tasks_blocked()
            service.connect(Application(service, has(CONTENT)).send)
        assert (bob.home / "copy").read_bytes() == CONTENT


async def test_an_application_that_goes_away_or_lies(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.01)
    async with town.house("alice") as alice:
        bus, service_id, _ = open_bus(alice, SOURCE)
        service = bus.find(alice.id, service_id)
        with pytest.raises(Gone, match="not connected"):
            await service.describe()

        async def leave(_data: bytes) -> None:
            service.disconnect()

        gone = service.connect(leave)
        with pytest.raises(Gone, match="went away"):
            await service.describe()
        assert gone.is_set()
        service.connect(Application(service, lambda *_: None).send)
        with pytest.raises(Gone, match="how long"):
            await service.describe()
        with pytest.raises(Gone, match="did not give"):
            await service.read(0, 10)
        first = service.connect(Application(service, lambda *_: {"content": b"too much"}).send)
        with pytest.raises(Gone, match="did not give"):
            await service.read(0, 1)
        service.connect(Application(service, has(b"x")).send)
        assert first.is_set()
        service.take(bytes(flexbuffers.Dumps({"id": "nobody", "payload": None})))


async def test_who_may_do_what(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    async with town.house("alice") as alice:
        bus, service_id, _ = open_bus(alice, SOURCE)
        for address, components in (
            ("/public/other", SOURCE),
            ("/public/gftp/", SOURCE),
            ("/public/gftp/a/b", SOURCE),
            ("/public/gftp/x", []),
            ("/public/gftp/x", ["GetChunk"]),
            ("/public/gftp/x", [*SOURCE, "Format"]),
        ):
            with pytest.raises(InvalidInput):
                bus.bind(alice.id, address, components)
        with pytest.raises(Conflict):
            bus.bind(alice.id, "/public/gftp/some-name", SOURCE)
        with pytest.raises(Forbidden):
            bus.unbind(STRANGER, service_id)
        with pytest.raises(NotFound):
            bus.unbind(alice.id, "unknown")
        monkeypatch.setattr(module, "MAX_SERVICES", 1)
        with pytest.raises(Overloaded):
            bus.bind(alice.id, "/public/gftp/other", SINK)
        monkeypatch.setattr(module, "IDLE_SECONDS", -1.0)
        assert bus.bind(alice.id, "/public/gftp/other", SINK)
        with pytest.raises(NotFound):
            bus.find(alice.id, service_id)
