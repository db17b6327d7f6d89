from golem_vpn.net.relay_address import MAX_RELAYS, RelayOffer
from golem_vpn.net.relay_choice import choose, needs_sounding


def offer(number: int, *addresses: str) -> RelayOffer:
    return RelayOffer(bytes([number]) * 32, addresses or (f"192.0.2.{number}:7464",))


def test_few_relays_are_all_used_in_their_order() -> None:
    offers = [offer(1), offer(2), offer(3)]
    assert not needs_sounding(offers)
    assert choose(offers, [], {}) == [it.texts[0] for it in offers]
    assert choose([], [], {}) == []


def test_of_many_the_nearest_are_used() -> None:
    offers = [offer(number) for number in range(1, MAX_RELAYS + 3)]
    assert needs_sounding(offers)
    seconds = {it.texts[0]: 1 / number for number, it in enumerate(offers, 1)}
    assert choose(offers, [], seconds) == [it.texts[0] for it in reversed(offers[2:])]


def test_one_that_does_not_answer_comes_last() -> None:
    offers = [offer(number) for number in range(1, MAX_RELAYS + 2)]
    seconds = {it.texts[0]: 0.1 for it in offers[1:]}
    assert offers[0].texts[0] not in choose(offers, [offers[0].texts[0]], seconds)


def test_one_in_use_is_left_only_for_a_clearly_nearer_one() -> None:
    offers = [offer(number) for number in range(1, MAX_RELAYS + 2)]
    in_use = [it.texts[0] for it in offers[:MAX_RELAYS]]
    newcomer = offers[-1].texts[0]
    seconds = {**dict.fromkeys(in_use, 0.1), newcomer: 0.09}
    assert set(choose(offers, in_use, seconds)) == set(in_use)
    assert newcomer in choose(offers, in_use, seconds | {newcomer: 0.05})
    # Nothing is left while nothing is measured.
    assert set(choose(offers[::-1], in_use, {})) == set(in_use)


def test_each_relay_is_used_once_at_its_nearest_address() -> None:
    both = offer(1, "203.0.113.1:7464", "10.0.0.1:7464")
    assert needs_sounding([both])
    outside, inside = both.texts
    assert choose([both], [], {}) == [outside]
    assert choose([both], [outside], {inside: 0.01}) == [inside]
    assert choose([both], [inside], {}) == [inside]
