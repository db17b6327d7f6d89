"""A stand-in for a daemon that is going to be killed: starts a payload, says so, and sleeps."""

import sys
from pathlib import Path

import anyio

from tests.net.activities import activity


async def main(work_dir: Path, script: str) -> None:
    async with activity(work_dir) as own:
        await own.output(f"{script} &")
        assert own.runtime._holder is not None
        print(own.runtime._holder.process_id, flush=True)  # noqa: T201
        await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), sys.argv[2])
