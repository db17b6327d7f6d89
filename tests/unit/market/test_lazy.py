from golem_vpn.market.lazy import lazy


class Sum:
    def __init__(self, *parts: int) -> None:
        self.parts = parts
        self.computed = 0

    @lazy
    def whole(self) -> int:
        self.computed += 1
        return sum(self.parts)


def test_it_is_computed_once_for_each_object() -> None:
    three, seven = Sum(1, 2), Sum(3, 4)
    assert (three.computed, three.whole, three.whole, three.computed) == (0, 3, 3, 1)
    assert seven.whole == 7
