from pathlib import Path

import anyio
import pytest

from golem_vpn.errors import Conflict, Gone, InvalidInput, NotFound
from golem_vpn.exeunit.batches import MAX_RUNNING
from golem_vpn.exeunit.results import Outcome
from golem_vpn.exeunit.state import State, StatePair
from golem_vpn.exeunit.status import DURATION, MEMORY, PROCESSOR_TIME, STORAGE
from tests.unit.exeunit.kit import FOREIGN_NETWORK, Activity, open_activity, shell, text_of
from tests.unit.exeunit.plain_runtime import PlainRuntime

pytestmark = pytest.mark.anyio

NETWORK = {"id": "1" * 32, "ip": "10.1.0.0", "mask": "255.255.0.0", "nodeIp": "10.1.0.7", "nodes": {}}


def state_of(activity: Activity) -> tuple[State, State | None]:
    pair = activity.unit.status.pair
    return pair.current, pair.pending


async def test_from_deploy_to_terminate(tmp_path: Path) -> None:
    async with open_activity(tmp_path / "work") as activity:
        assert state_of(activity) == (State.INITIALIZED, None)
        [deployed] = await activity.do({"deploy": {"env": {"COLOUR": "blue"}}})
        assert (
            text_of(deployed) == '{"valid":{"Ok":""},"vols":[{"name":"vol-0","path":"/work"}],"startMode":"blocking"}'
        )
        assert deployed.stderr is not None
        assert deployed.stderr.data == b"not enforced: memory: no cgroup\n"
        assert state_of(activity) == (State.DEPLOYED, None)

        await activity.do({"start": {"args": ["-v"]}})
        assert activity.runtimes[0].start_args == [("-v",)]
        assert state_of(activity) == (State.READY, None)

        [ran] = await activity.do(shell("echo $COLOUR $SIZE; echo oops >&2", env={"SIZE": "9"}))
        assert (ran.result, text_of(ran)) == (Outcome.OK, "blue 9\n")
        assert ran.stderr is not None
        assert ran.stderr.data == b"oops\n"

        [terminated] = await activity.do({"terminate": {}})
        assert (terminated.result, terminated.is_batch_finished) == (Outcome.OK, True)
        assert state_of(activity) == (State.INITIALIZED, None)
        assert activity.runtimes[0].stopped == 1


async def test_a_terminated_payload_can_be_deployed_anew(tmp_path: Path) -> None:
    async with open_activity(tmp_path / "work") as activity:
        await activity.make_ready()
        await activity.do({"terminate": {}})
        await activity.make_ready()
        [ran] = await activity.do(shell("echo again"))
        assert text_of(ran) == "again\n"
        assert len(activity.runtimes) == 2


async def test_an_exit_code_other_than_zero_is_an_error_and_the_activity_goes_on(tmp_path: Path) -> None:
    async with open_activity(tmp_path / "work") as activity:
        await activity.make_ready()
        [failed] = await activity.do(shell("echo half; exit 3"), shell("echo never"))
        assert (failed.result, failed.message) == (Outcome.ERROR, "ExeScript command exited with code 3")
        assert text_of(failed) == "half\n"
        assert state_of(activity) == (State.READY, None)
        assert (await activity.do(shell("true")))[0].result is Outcome.OK


async def test_batches_run_beside_each_other(tmp_path: Path) -> None:
    async with open_activity(tmp_path / "work") as activity:
        await activity.make_ready()
        server = activity.begin(shell("until [ -e asked ]; do sleep 0.01; done; echo served"))
        [client] = await activity.do(shell("touch asked; echo done"))
        assert text_of(client) == "done\n"
        [served] = await activity.all_results(server)
        assert text_of(served) == "served\n"


async def test_terminate_ends_the_other_batches(tmp_path: Path) -> None:
    async with open_activity(tmp_path / "work") as activity:
        await activity.make_ready()
        server = activity.begin(shell("echo serving; sleep 1000"))
        [terminated] = await activity.do({"terminate": {}})
        assert terminated.result is Outcome.OK
        [ended] = await activity.all_results(server)
        assert (ended.result, ended.is_batch_finished) == (Outcome.ERROR, True)
        assert ended.message == "the payload was terminated by another command"


async def test_commands_in_the_wrong_state_are_errors(tmp_path: Path) -> None:
    async with open_activity(tmp_path / "work") as activity:
        [early] = await activity.do(shell("true"))
        assert early.message == "Activity is initialized - deploy() command is expected now, not run()"
        await activity.make_ready()
        [late] = await activity.do({"deploy": {}})
        assert late.message == "Cannot send command after a successful start(), not deploy()"
        assert state_of(activity) == (State.READY, None)


async def test_what_the_provider_lacks_is_said(tmp_path: Path) -> None:
    async with open_activity(tmp_path / "work") as activity:
        await activity.make_ready()
        [refused] = await activity.do({"sign": {}})
        assert refused.message == "sign is not supported: this provider has no hardware that vouches for results"


async def test_start_joins_the_networks_and_the_end_leaves_them(tmp_path: Path) -> None:
    async with open_activity(tmp_path / "work") as activity:
        await activity.make_ready({"net": [NETWORK]})
        [[address]] = activity.networks.joined.values()
        assert (address.network_id, str(address.address)) == ("1" * 32, "10.1.0.7/16")
        await activity.do({"terminate": {}})
        assert activity.networks.joined == {}


async def test_a_network_of_somebody_else_is_refused(tmp_path: Path) -> None:
    async with open_activity(tmp_path / "work") as activity:
        _, refused = await activity.do({"deploy": {"net": [NETWORK | {"id": FOREIGN_NETWORK}]}}, {"start": {}})
        assert refused.message == "the network is not the requestor's"
        assert state_of(activity) == (State.INITIALIZED, None)
        assert activity.runtimes[0].stopped == 1


async def test_a_failed_start_leaves_nothing_and_deploy_is_possible_again(tmp_path: Path) -> None:
    def break_first(runtime: PlainRuntime) -> None:
        runtime.fail_to_start = not activity.runtimes

    async with open_activity(tmp_path / "work", prepare=break_first) as activity:
        _, failed = await activity.do({"deploy": {}}, {"start": {}})
        assert failed.message == "it does not start"
        assert state_of(activity) == (State.INITIALIZED, None)
        await activity.make_ready()


async def test_a_failed_deploy_leaves_the_activity_initialized(tmp_path: Path) -> None:
    async with open_activity(tmp_path / "work") as activity:
        [failed] = await activity.do({"deploy": {"net": [NETWORK | {"nodeIp": "10.2.0.1"}]}})
        assert failed.message == "net[0]: Invalid network IP address: 10.2.0.1"
        assert state_of(activity) == (State.INITIALIZED, None)


async def test_a_start_that_lasts_shows_its_goal_and_destroy_ends_it(tmp_path: Path) -> None:
    def slow(runtime: PlainRuntime) -> None:
        runtime.slow_to_start = True

    async with open_activity(tmp_path / "work", prepare=slow) as activity:
        batch = activity.begin({"deploy": {}}, {"start": {}})
        await activity.unit.results(batch, 0, timeout=30)
        await anyio.wait_all_tasks_blocked()
        assert state_of(activity) == (State.DEPLOYED, State.READY)
        [busy] = await activity.do(shell("true"))
        assert busy.message == "Activity is busy: Deployed -> Ready"
        await activity.unit.destroy("no more")
        _, ended = await activity.all_results(batch)
        assert ended.message == "the activity was terminated: no more"
        assert state_of(activity) == (State.TERMINATED, None)


async def test_destroy_ends_everything_once(tmp_path: Path) -> None:
    async with open_activity(tmp_path / "work") as activity:
        await activity.make_ready({"net": [NETWORK]})
        server = activity.begin(shell("sleep 1000"))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(activity.unit.destroy, "the requestor asked for it")
            tasks.start_soon(activity.unit.destroy, "too late")
        [ended] = await activity.all_results(server)
        assert ended.message == "the activity was terminated: the requestor asked for it"
        assert [(end.pair, end.reason) for end in activity.ends] == [
            (StatePair(State.TERMINATED), "the requestor asked for it")
        ]
        assert activity.networks.joined == {}
        assert activity.runtimes[0].stopped == 1
        assert not activity.work_dir.exists()
        with pytest.raises(Gone, match="the requestor asked for it"):
            activity.begin(shell("true"))


async def test_when_the_surroundings_break_down_the_activity_ends_with_the_reason(tmp_path: Path) -> None:
    async with open_activity(tmp_path / "work") as activity:
        await activity.make_ready()
        activity.runtimes[0].broken = True
        [failed] = await activity.do(shell("true"))
        assert failed.message == "its process 1 was killed"
        await anyio.wait_all_tasks_blocked()
        await activity.unit.destroy("waits for the end that is on its way")
        assert [end.reason for end in activity.ends] == ["its process 1 was killed"]


async def test_usage_counts_time_until_the_end_and_keeps_that_of_earlier_deployments(tmp_path: Path) -> None:
    async with open_activity(tmp_path / "work") as activity:
        assert activity.unit.usage.counters[PROCESSOR_TIME] == 0
        await activity.make_ready()
        await activity.do({"terminate": {}})
        await activity.make_ready()
        assert activity.unit.usage.counters[PROCESSOR_TIME] == 3.0
        await activity.unit.destroy("enough")
        duration = activity.unit.usage.counters[DURATION]
        assert duration > 0
        most = {MEMORY: 0.5, STORAGE: 0.25}
        assert activity.unit.usage.counters == {PROCESSOR_TIME: 3.0, DURATION: duration} | most


async def test_an_activity_that_breaks_a_limit_ends_with_the_reason(tmp_path: Path) -> None:
    async with open_activity(tmp_path / "work") as activity:
        await activity.make_ready()
        activity.runtimes[0].ended.set()
        await anyio.wait_all_tasks_blocked()
        await activity.unit.destroy("waits for the end that is on its way")
        assert [end.reason for end in activity.ends] == ["it used too much"]


async def test_a_bad_script_is_refused_at_once(tmp_path: Path) -> None:
    async with open_activity(tmp_path / "work") as activity:
        with pytest.raises(InvalidInput):
            activity.unit.exec("b", "[]")
        with pytest.raises(NotFound, match="no batch b"):
            await activity.unit.results("b", 0)


async def test_the_same_batch_again_is_the_same_request(tmp_path: Path) -> None:
    async with open_activity(tmp_path / "work") as activity:
        for _ in range(2):
            activity.unit.exec("b", '[{"deploy": {}}]')
        assert [result.result for result in await activity.all_results("b")] == [Outcome.OK]


async def test_too_many_batches_at_once(tmp_path: Path) -> None:
    async with open_activity(tmp_path / "work") as activity:
        for _ in range(MAX_RUNNING):
            activity.begin({"sign": {}})
        with pytest.raises(Conflict, match="64 batches"):
            activity.begin({"sign": {}})
