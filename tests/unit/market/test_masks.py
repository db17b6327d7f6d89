from collections import defaultdict
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from golem_vpn.market.comparison import ORDERINGS
from golem_vpn.market.masks import MAX_BLOCK, NumberMasks, put_in, take_out, union

NUMBERS = st.integers(-300, 300).map(lambda number: number / 2)
STEPS = st.lists(st.tuples(st.booleans(), NUMBERS, st.integers(0, 5)), max_size=400)


@given(STEPS, NUMBERS)
def test_numbers_in_order(steps: list[tuple[bool, float, int]], bound: float) -> None:
    masks, expected = NumberMasks(), defaultdict[float, int](int)
    for is_added, number, place in steps:
        if is_added:
            masks.add(1 << place, number)
            expected[number] |= 1 << place
        else:
            masks.remove(1 << place, number)
            expected[number] &= ~(1 << place)
    check(masks, expected, bound)


def test_more_than_a_block() -> None:
    masks, expected = NumberMasks(), defaultdict[float, int](int)
    for place in range(5 * MAX_BLOCK):
        scattered = (place * 7919) % 1009
        masks.add(1 << place, scattered)
        expected[scattered] |= 1 << place
    for whole in range(-1, 1010):
        check(masks, expected, float(whole))
    for number, mask in tuple(expected.items()):
        masks.remove(mask, number)
    check(masks, {}, 5)


def check(masks: NumberMasks, expected: Mapping[float, int], bound: float) -> None:
    assert dict(masks.items()) == {number: mask for number, mask in expected.items() if mask}
    assert masks.equal(bound) == expected.get(bound, 0)
    for operator, compare in ORDERINGS.items():
        wanted = union(mask for number, mask in expected.items() if compare(number, bound))
        assert masks.in_range(operator, bound) == wanted


def test_the_last_bit_takes_its_key_away() -> None:
    masks: dict[str, int] = {}
    put_in(masks, "a", 1)
    put_in(masks, "a", 4)
    take_out(masks, "a", 1)
    assert masks == {"a": 4}
    take_out(masks, "a", 4)
    take_out(masks, "b", 1)
    assert masks == {}
