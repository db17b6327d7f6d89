"""The gates: websocket upgrades that become a TCP connection into a network, or a way for Ethernet frames.

The way is opened first, so that the upgrade's status tells what came of it. Then the socket is handed over, and from
there on native code pumps the bytes.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import h11

from golem_vpn.api import upgrade
from golem_vpn.api.app_keys import AppKeys
from golem_vpn.api.credentials import authenticate
from golem_vpn.api.upgrade_server import UpgradeProtocol
from golem_vpn.vpn.networks import NetworkService
from golem_vpn.vpn.ports import FrameStream, Stream


@dataclass
class Tally:
    """Counts the gates of one kind."""

    open: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    """How many have ended, by reason."""


class Gates:
    """Opens gates, and keeps count of them."""

    def __init__(self, app_keys: AppKeys, networks: NetworkService) -> None:
        self.tcp = Tally()
        self.raw = Tally()
        self._app_keys = app_keys
        self._networks = networks
        self._frame_streams: list[FrameStream] = []
        self._past_drops: Counter[str] = Counter()

    async def answer(self, client: UpgradeProtocol, request: h11.Request) -> None:
        """Serves one gate to its end.

        Raises:
            GolemVpnError: it does not open; of the class that the client is to hear of.
        """
        target = upgrade.Target.parse(request.target)
        key = authenticate(self._app_keys, request.headers, target.query)
        way = target.destination()
        upgrade.check(request)
        head = upgrade.acceptance(request)
        if isinstance(way, upgrade.TcpDestination):
            stream = await self._networks.connect(key.identity, way.network_id, way.ip, way.port)
            await _pump(client, stream, head, self.tcp)
        else:
            frames = await self._networks.open_raw(key.identity, way.network_id, way.source, way.destination)
            with self._counted(frames):
                await _pump(client, frames, head, self.raw)

    def raw_drops(self) -> Counter[str]:
        """Counts the frames that raw gates have dropped, by reason."""
        total = Counter(self._past_drops)
        for frames in self._frame_streams:
            total.update(frames.drops())
        return total

    @contextmanager
    def _counted(self, frames: FrameStream) -> Iterator[None]:
        self._frame_streams.append(frames)
        try:
            yield
        finally:
            self._frame_streams.remove(frames)
            self._past_drops.update(frames.drops())


async def _pump(client: UpgradeProtocol, stream: Stream, response_head: bytes, tally: Tally) -> None:
    tally.open += 1
    end = "cancelled"
    try:
        with client.detached() as (fd, already_read):
            pumping = stream.pump_websocket(fd, already_read, response_head)
        end = await pumping
    finally:
        stream.close()
        tally.open -= 1
        tally.ends[end] += 1
