"""Web servers on two Golem providers in one private network, behind one local port that takes them in turn.

Prints `ready` when both serve, and runs until Ctrl-C.
"""

import argparse
import asyncio
import os
import shlex
import signal
from datetime import timedelta

from yapapi import Golem
from yapapi.contrib.service.http_proxy import HttpProxyService, LocalHttpProxy
from yapapi.payload import vm
from yapapi.services import ServiceState

HTTP_PORT = 80


class WebServer(HttpProxyService):
    """An nginx that says where it runs."""

    def __init__(self):
        super().__init__(remote_port=HTTP_PORT)

    @staticmethod
    async def get_payload():
        return await vm.repo(
            image_tag=arguments.image,
            repository_url=os.environ["YAGNA_API_URL"],
            capabilities=[vm.VM_CAPS_VPN],
        )

    async def start(self):
        async for script in super().start():
            yield script
        script = self._ctx.new_script(timeout=timedelta(minutes=1))
        page = shlex.quote(f"Hello from {self.network_node.ip} on {self.provider_name}")
        script.run("/bin/sh", "-c", f"echo {page} > /usr/share/nginx/html/index.html")
        script.run("/bin/sh", "-c", "/usr/sbin/nginx")
        yield script

    async def shutdown(self):
        script = self._ctx.new_script()
        log = script.run("/bin/cat", "/var/log/nginx/access.log")
        yield script
        print(f"requests to {self.network_node.ip}: {len((await log).stdout.splitlines())}", flush=True)


async def main():
    """Serves until the program is interrupted."""
    interrupted = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, interrupted.set)
    async with Golem(budget=1.0) as golem:
        network = await golem.create_network("192.168.0.1/24")
        async with network:
            cluster = await golem.run_service(WebServer, network=network, num_instances=arguments.instances)
            while not all(instance.state == ServiceState.running for instance in cluster.instances):
                await asyncio.sleep(0.2)
            proxy = LocalHttpProxy(cluster, arguments.port)
            await proxy.run()
            print(f"ready: http://127.0.0.1:{arguments.port}/", flush=True)
            await interrupted.wait()
            await proxy.stop()
            cluster.stop()
            while any(instance.is_available for instance in cluster.instances):
                await asyncio.sleep(0.2)
    print("ended", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", default="web:latest", help="tag of the image (default: web:latest)")
    parser.add_argument("--instances", type=int, default=2)
    parser.add_argument("--port", type=int, default=8080, help="port of this machine")
    arguments = parser.parse_args()
    asyncio.run(main())
