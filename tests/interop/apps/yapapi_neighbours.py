"""Two web servers that fetch each other's page by virtual address, again after every node was added once more."""

import asyncio
import sys
from datetime import timedelta

from yapapi import Golem
from yapapi.payload import vm
from yapapi.services import Service, ServiceState


class Neighbour(Service):
    """A web server that can fetch pages."""

    @staticmethod
    async def get_payload():
        return await vm.repo(image_tag="web:latest", repository_url=sys.argv[1], capabilities=[vm.VM_CAPS_VPN])

    async def start(self):
        async for script in super().start():
            yield script
        script = self._ctx.new_script(timeout=timedelta(minutes=1))
        script.run("/bin/sh", "-c", f"echo page of {self.network_node.ip} > /usr/share/nginx/html/index.html")
        script.run("/bin/sh", "-c", "/usr/sbin/nginx")
        yield script

    async def run(self):
        for _ in range(2):
            other = await self._other()
            script = self._ctx.new_script(timeout=timedelta(minutes=1))
            fetched = script.run("/bin/sh", "-c", f"curl --silent --fail --retry 5 --retry-all-errors http://{other}/")
            yield script
            print(
                f"{self.network_node.ip} on {self.provider_name} fetched {(await fetched).stdout.strip()}", flush=True
            )
            await self.network.refresh_nodes()
        while len(finished) < 2:
            finished.add(self.network_node.ip)
            await asyncio.sleep(0.1)

    async def _other(self):
        while True:
            for instance in self.cluster.instances:
                if instance is not self and instance.state == ServiceState.running:
                    return instance.network_node.ip
            await asyncio.sleep(0.1)


async def main():
    async with Golem(budget=1.0) as golem:
        network = await golem.create_network("192.168.0.1/24")
        async with network:
            cluster = await golem.run_service(Neighbour, network=network, num_instances=2)
            while len(finished) < 2:
                await asyncio.sleep(0.1)
            cluster.stop()
            while any(instance.is_available for instance in cluster.instances):
                await asyncio.sleep(0.1)


finished = set()
asyncio.run(main())
