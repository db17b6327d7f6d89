"""Two web servers that fetch each other's page by virtual address, again after every node was added once more."""

import asyncio
import sys

from machines import machines


async def main():
    async with machines(2, sys.argv[1]) as hired:
        for machine in hired:
            await machine.run(f"echo page of {machine.ip} > /usr/share/nginx/html/index.html", "/usr/sbin/nginx")
        for _ in range(2):
            for machine, other in (hired, hired[::-1]):
                [fetched] = await machine.run(f"curl --silent --fail --retry 5 --retry-all-errors http://{other.ip}/")
                name = await machine.agreement.proposal.get_provider_name()
                print(f"{machine.ip} on {name} fetched {fetched.strip()}", flush=True)
            await hired[0].network.refresh_nodes()


asyncio.run(main())
