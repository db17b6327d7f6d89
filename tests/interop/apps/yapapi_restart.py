"""Instances that work on and on, and begin anew elsewhere when their provider fails."""

import asyncio
import signal
import sys
from datetime import timedelta

from yapapi import Golem
from yapapi.payload import vm
from yapapi.services import Service


class Worker(Service):
    """Says every half second where it runs."""

    @staticmethod
    async def get_payload():
        return await vm.repo(image_tag="web:latest", repository_url=sys.argv[1], capabilities=[vm.VM_CAPS_VPN])

    @property
    def restart_condition(self):
        return self.exc_info != (None, None, None)

    async def run(self):
        while True:
            script = self._ctx.new_script(timeout=timedelta(seconds=10))
            script.run("/bin/true")
            yield script
            print(f"{self.network_node.ip} works on {self.provider_name}", flush=True)
            await asyncio.sleep(0.5)


async def main():
    interrupted = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupted.set)
    async with Golem(budget=1.0) as golem:
        network = await golem.create_network("192.168.0.1/24")
        async with network:
            cluster = await golem.run_service(Worker, network=network, num_instances=2)
            await interrupted.wait()
            cluster.stop()
            while any(instance.is_available for instance in cluster.instances):
                await asyncio.sleep(0.1)
    print("ended", flush=True)


asyncio.run(main())
