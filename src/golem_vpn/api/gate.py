"""The gate: a websocket upgrade that becomes a TCP connection into a network.

The connection is made first, so that the upgrade's status tells what came of it. Then the socket is handed over, and
from there on native code pumps the bytes.
"""

from collections import Counter

import h11

from golem_vpn.api import upgrade
from golem_vpn.api.app_keys import AppKeys
from golem_vpn.api.credentials import authenticate
from golem_vpn.api.upgrade_server import UpgradeProtocol
from golem_vpn.vpn.networks import NetworkService
from golem_vpn.vpn.ports import Stream


class Gates:
    """Opens gates, and keeps count of them."""

    def __init__(self, app_keys: AppKeys, networks: NetworkService) -> None:
        self.open = 0
        """How many are open now."""
        self.ends: Counter[str] = Counter()
        """How many have ended, by reason."""
        self._app_keys = app_keys
        self._networks = networks

    async def answer(self, client: UpgradeProtocol, request: h11.Request) -> None:
        """Serves one gate to its end.

        Raises:
            GolemVpnError: it does not open; of the class that the client is to hear of.
        """
        stream = await self._connect(request)
        await self._pump(client, stream, upgrade.acceptance(request))

    async def _connect(self, request: h11.Request) -> Stream:
        target = upgrade.Target.parse(request.target)
        key = authenticate(self._app_keys, request.headers, target.query)
        network_id, ip, port = target.destination()
        upgrade.check(request)
        return await self._networks.connect(key.identity, network_id, ip, port)

    async def _pump(self, client: UpgradeProtocol, stream: Stream, response_head: bytes) -> None:
        self.open += 1
        end = "cancelled"
        try:
            with client.detached() as (fd, already_read):
                pumping = stream.pump_websocket(fd, already_read, response_head)
            end = await pumping
        finally:
            stream.close()
            self.open -= 1
            self.ends[end] += 1
