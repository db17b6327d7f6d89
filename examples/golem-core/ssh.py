"""Terminals on two Golem providers: each runs an OpenSSH server in one private network, reached through the gate.

Prints one line for each instance, `ssh -p PORT root@127.0.0.1 password PASSWORD`, and runs until Ctrl-C.
"""

import argparse
import asyncio
import secrets
import signal

from machines import machines


async def main(arguments: argparse.Namespace) -> None:
    """Runs the terminals until the program is interrupted."""
    interrupted = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, interrupted.set)
    async with machines(arguments.instances, arguments.package) as hired:
        for port, machine in enumerate(hired, arguments.port):
            password = secrets.token_hex(8)
            await machine.run("ssh-keygen -A", f'printf "%s\\n%s\\n" {password} {password} | passwd', "/usr/sbin/sshd")
            await machine.forward(port, 22)
            print(f"ssh -p {port} root@127.0.0.1 password {password}", flush=True)
        await interrupted.wait()
    print("ended", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", help="task package of the image: `golem-vpn image ls --json` prints it")
    parser.add_argument("--instances", type=int, default=2)
    parser.add_argument("--port", type=int, default=2222, help="port of this machine for the first instance")
    asyncio.run(main(parser.parse_args()))
