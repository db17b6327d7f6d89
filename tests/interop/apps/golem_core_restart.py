"""Works that go on and on, and begin anew elsewhere when their provider fails."""

import asyncio
import signal
import sys
from datetime import timedelta

from golem.managers import (
    ConcurrentWorkManager,
    DefaultAgreementManager,
    DefaultPaymentManager,
    DefaultProposalManager,
    RefreshingDemandManager,
    SingleUseActivityManager,
    retry,
    work_plugin,
)
from golem.node import GolemNode
from golem.payload import VmPayload


async def main():
    interrupted = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupted.set)
    golem = GolemNode()
    # A provider that failed sends no invoice, which the manager would wait for.
    payments = DefaultPaymentManager(golem, budget=1.0, shutdown_timeout=timedelta(seconds=10))
    payload = VmPayload(package_url=sys.argv[1], capabilities=["vpn"])
    demands = RefreshingDemandManager(golem, payments.get_allocation, [payload])
    proposals = DefaultProposalManager(golem, demands.get_initial_proposal)
    agreements = DefaultAgreementManager(golem, proposals.get_draft_proposal)
    ips = {}

    async def join(context):
        """Has an activity join the network."""
        ip = ips[context.activity.id] = await network.create_node(await context.get_provider_id())
        await context.deploy({"net": [network.deploy_args(ip)]})
        await context.start()

    @work_plugin(retry(tries=5))
    async def work(context):
        """Says every half second where it runs."""
        while not interrupted.is_set():
            batch = await context.run("/bin/true")
            await batch.wait(20)
            print(f"{ips[context.activity.id]} works on {await context.get_provider_name()}", flush=True)
            await asyncio.sleep(0.5)

    activities = SingleUseActivityManager(golem, agreements.get_agreement, on_activity_start=join)
    works = ConcurrentWorkManager(golem, activities.get_activity, size=2)
    async with golem, payments, demands, proposals, agreements:
        network = await golem.create_network("192.168.0.0/24")
        await works.do_work_list([work, work])
    print("ended", flush=True)


asyncio.run(main())
