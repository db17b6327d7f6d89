import anyio
import pytest

from golem_vpn.net.backoff import Backoff

pytestmark = pytest.mark.anyio


async def test_pauses_double_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    real = anyio.move_on_after

    def note(seconds: float) -> anyio.CancelScope:
        pauses.append(seconds)
        return real(0)

    monkeypatch.setattr(anyio, "move_on_after", note)
    backoff = Backoff(shortest=1, longest=4)
    for _ in range(4):
        await backoff.pause()
    backoff.reset()
    await backoff.pause()
    for pause, expected in zip(pauses, [1, 2, 4, 4, 1], strict=True):
        assert 0.75 * expected <= pause <= 1.25 * expected


async def test_a_pause_ends_when_woken() -> None:
    waker = anyio.Event()
    waker.set()
    with anyio.fail_after(5):
        await Backoff(shortest=1000).pause(waker)
