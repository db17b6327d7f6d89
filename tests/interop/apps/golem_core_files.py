"""A file there, changed by a program, and back again."""

import asyncio
import sys

from golem.resources import DownloadFile, Run, SendFile
from machines import machines

package, source, target = sys.argv[1:]


async def main():
    async with machines(1, package) as [machine]:
        batch = await machine.activity.execute_commands(
            SendFile(source, "/root/there"),
            Run("echo $(wc -c < /root/there) bytes; tac /root/there > /root/back"),
            DownloadFile("/root/back", target),
        )
        events = await batch.wait(60)
        print(f"counted {events[1].stdout.strip()}", flush=True)


asyncio.run(main())
