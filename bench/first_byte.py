"""An application of yapapi, to be run in its environment: prints when its web servers can be reached, in seconds."""

import asyncio
import json
import os
import sys
import time
from datetime import timedelta

import aiohttp
from yapapi import Golem
from yapapi.payload import vm
from yapapi.services import Service

INSTANCES = 2


class WebServer(Service):
    """An nginx."""

    @staticmethod
    async def get_payload():
        return await vm.repo(image_tag=sys.argv[1], repository_url=os.environ["YAGNA_API_URL"], capabilities=["vpn"])

    async def start(self):
        async for script in super().start():
            yield script
        script = self._ctx.new_script(timeout=timedelta(minutes=1))
        script.run("/usr/sbin/nginx")
        yield script
        reached.append(await self._first_byte())

    async def _first_byte(self):
        url = self.network_node.get_websocket_uri(80)
        headers = {"Authorization": f"Bearer {os.environ['YAGNA_APPKEY']}"}
        async with aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.ws_connect(url, headers=headers) as gate:
                        await gate.send_bytes(b"GET / HTTP/1.0\r\n\r\n")
                        await gate.receive_bytes()
                        return time.monotonic()
                except aiohttp.WSServerHandshakeError:
                    await asyncio.sleep(0.02)


async def main():
    """Runs the servers once."""
    async with Golem(budget=1.0) as golem:
        network = await golem.create_network("192.168.0.1/24")
        async with network:
            begin = time.monotonic()
            cluster = await golem.run_service(WebServer, network=network, num_instances=INSTANCES)
            while len(reached) < INSTANCES:
                await asyncio.sleep(0.02)
            cluster.stop()
            while any(instance.is_available for instance in cluster.instances):
                await asyncio.sleep(0.1)
    print(json.dumps([at - begin for at in sorted(reached)]))


reached: list[float] = []
asyncio.run(main())
