from collections.abc import Iterable

from bench.measures.procedure import Procedure
from bench.measures.throughput import TCP
from bench.packets.contestants import CHACHA, CONTESTANTS, OURS, WIREGUARD_GO
from bench.packets.plan import FULL, QUICK
from bench.packets.sittings import SITTINGS, Sitting, chosen
from bench.packets.targets import TARGETS
from bench.wire import NIC, VETH

WIRES = (VETH, NIC)


def contents(sittings: Iterable[Sitting]) -> list[tuple[str, list[tuple[str, list[Procedure]]]]]:
    """Tells what is in sittings."""
    return [(sitting.wire, [(it.name, list(it.procedures)) for it in sitting.contestants]) for sitting in sittings]


def test_everybody_sits_somewhere() -> None:
    assert {it.name for sitting in SITTINGS for it in sitting.contestants} == set(CONTESTANTS)
    assert contents(chosen(CONTESTANTS, WIRES, ())) == contents(SITTINGS) == contents(FULL.cut(SITTINGS))


def test_whoever_is_compared_by_a_target_sits_together() -> None:
    for target in TARGETS:
        wanted = {(target.subject, target.measure)}
        if target.peer is not None:
            wanted.add((target.peer, target.peer_measure or target.measure))
        assert any(
            wanted
            <= {(it.name, measure) for it in sitting.contestants for done in it.procedures for measure in done.measures}
            for sitting in SITTINGS
            if sitting.wire == target.wire
        ), target


def test_names_and_wires_that_are_not_wanted_are_left_out() -> None:
    sittings = FULL.cut(chosen([CHACHA, WIREGUARD_GO], [VETH], ()))
    assert {it.name for sitting in sittings for it in sitting.contestants} == {CHACHA, WIREGUARD_GO}
    assert {sitting.wire for sitting in sittings} == {VETH}


def test_nobody_sits_alone_again_for_the_same() -> None:
    sittings = FULL.cut(chosen([OURS, WIREGUARD_GO], [VETH], ()))
    assert [[it.name for it in sitting.contestants] for sitting in sittings] == [[OURS, WIREGUARD_GO]] * 2 + [[OURS]]


def test_a_variant_without_a_technique_sits_beside_ours() -> None:
    sittings = FULL.cut(chosen([OURS], [VETH], ["priority"]))
    assert [[it.name for it in sitting.contestants] for sitting in sittings] == [
        [OURS, "golem-vpn without priority"],
        [OURS, "golem-vpn without priority"],
        [OURS],
    ]


def test_the_quick_plan_has_both_wires_and_no_way_back() -> None:
    sittings = QUICK.cut(SITTINGS)
    assert {sitting.wire for sitting in sittings} == set(WIRES)
    done = {procedure for sitting in sittings for procedure in sitting.procedures()}
    assert done >= set(TCP)
    assert not done & set(QUICK.procedures_left_out)
