"""Web servers on two Golem providers in one private network, each behind a local port.

Prints `ready: URL` for each of them when all serve, and runs until Ctrl-C.
"""

import argparse
import asyncio
import signal

from machines import machines

HTTP_PORT = 80


async def main(arguments: argparse.Namespace) -> None:
    """Serves until the program is interrupted."""
    interrupted = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, interrupted.set)
    async with machines(arguments.instances, arguments.package) as hired:
        for machine in hired:
            page = f"Hello from {machine.ip} on {await machine.agreement.proposal.get_provider_name()}"
            await machine.run(f"echo '{page}' > /usr/share/nginx/html/index.html", "/usr/sbin/nginx")
        for port, machine in enumerate(hired, arguments.port):
            await machine.forward(port, HTTP_PORT)
            print(f"ready: http://127.0.0.1:{port}/", flush=True)
        await interrupted.wait()
    print("ended", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", help="task package of the image: `golem-vpn image ls --json` prints it")
    parser.add_argument("--instances", type=int, default=2)
    parser.add_argument("--port", type=int, default=8080, help="port of this machine for the first instance")
    asyncio.run(main(parser.parse_args()))
