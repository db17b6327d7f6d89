"""Terminals on two Golem providers: each runs an OpenSSH server in one private network, reached through the gate.

Prints one line for each instance, `ssh -p PORT root@127.0.0.1 password PASSWORD`, and runs until Ctrl-C.
"""

import argparse
import asyncio
import os
import secrets
import signal
from datetime import timedelta

from yapapi import Golem
from yapapi.contrib.service.socket_proxy import SocketProxy, SocketProxyService
from yapapi.payload import vm

SSH_PORT = 22


class Terminal(SocketProxyService):
    """An OpenSSH server, and a port of this machine that leads to it."""

    remote_ports = [SSH_PORT]

    def __init__(self, proxy):
        super().__init__()
        self._proxy = proxy
        self._password = secrets.token_hex(8)

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
        script = self._ctx.new_script(timeout=timedelta(seconds=30))
        script.run("/bin/bash", "-c", "ssh-keygen -A")
        script.run("/bin/bash", "-c", f'echo -e "{self._password}\\n{self._password}" | passwd')
        script.run("/bin/bash", "-c", "/usr/sbin/sshd")
        yield script
        server = await self._proxy.run_server(self, SSH_PORT)
        print(f"ssh -p {server.local_port} root@127.0.0.1 password {self._password}", flush=True)


async def main():
    """Runs the terminals until the program is interrupted."""
    interrupted = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, interrupted.set)
    ports = range(arguments.port, arguments.port + arguments.instances)
    async with Golem(budget=1.0) as golem:
        network = await golem.create_network("192.168.0.1/24")
        async with network:
            proxy = SocketProxy(ports=list(ports))
            cluster = await golem.run_service(
                Terminal,
                network=network,
                num_instances=arguments.instances,
                instance_params=[{"proxy": proxy}] * arguments.instances,
            )
            await interrupted.wait()
            await proxy.stop()
            cluster.stop()
            while any(instance.is_available for instance in cluster.instances):
                await asyncio.sleep(0.2)
    print("ended", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", default="ssh:latest", help="tag of the image (default: ssh:latest)")
    parser.add_argument("--instances", type=int, default=2)
    parser.add_argument("--port", type=int, default=2222, help="port of this machine for the first instance")
    arguments = parser.parse_args()
    asyncio.run(main())
