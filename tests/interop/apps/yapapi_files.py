"""A file there, changed by a program whose output is streamed, and back again."""

import asyncio
import sys
from datetime import timedelta

from yapapi import Golem, Task, WorkContext
from yapapi.events import CommandStdOut
from yapapi.payload import vm

url, source, target = sys.argv[1:]


async def work(context: WorkContext, tasks):
    async for task in tasks:
        script = context.new_script(timeout=timedelta(minutes=1))
        script.upload_file(source, "/root/there")
        script.run("/bin/sh", "-c", "echo $(wc -c < /root/there) bytes; tac /root/there > /root/back")
        script.download_file("/root/back", target)
        yield script
        task.accept_result()


def tell(event):
    if isinstance(event, CommandStdOut):
        print(f"counted {event.output.strip()}", flush=True)


async def main():
    package = await vm.repo(image_tag="web:latest", repository_url=url)
    async with Golem(budget=1.0, stream_output=True, event_consumer=tell) as golem:
        async for _ in golem.execute_tasks(work, [Task(data=None)], payload=package, timeout=timedelta(minutes=10)):
            pass


asyncio.run(main())
