from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golem_vpn.market.constraints import parse

PROPERTIES: dict[str, Any] = {
    "threads": 4,
    "mem": 0.5,
    "big": 9007199254740993,
    "model": "linear",
    "path": "a.c",
    "capabilities": ["vpn", "inet"],
    "coefficients": [0.0001, 0.0, 1],
    "nested": [["a"], {"b": 1}, None],
    "multi": True,
    "date": "2026-01-01T00:00:00Z",
    "version": "1.10.0",
    "amount": "10.50",
    "nothing": None,
}


@pytest.mark.parametrize(
    "constraint",
    [
        "(threads=4)", "(threads=4.0)", "(threads>=4)", "(threads>3.9)", "(threads<inf)", "(threads<>5)",
        "(threads= 4 )",
        "(threads>-inf)", "(threads<=+Infinity)", "(mem=.5)", "(mem=5e-1)", "(big=9007199254740993)", "(threads<>many)",
        "(model=linear)", "(model=lin*)", "(model=*near)", "(model=*i*e*)", "(model>=alpha)", "(model<>cubic)",
        "(path=a.*)",
        "(capabilities=vpn)", "(capabilities=[inet, vpn])", "(capabilities=v*)", "(capabilities<>gpu)", "(nested=a)",
        "(capabilities<>[vpn])", "(coefficients=[0,0.0001,1])", "(multi=true)", "(multi=True)", "(multi<>false)",
        "(date>2025-12-31T23:59:59Z)", "(date=2026-01-01T01:00:00+01:00)", "(date<2026-01-01T00:00:00-01:00)",
        "(date$t>=2026-01-01t00:00:00.000z)", "(version$v>=1.9.0)", "(version$v>1.10.0-rc.1)",
        "(version$v=1.10.0+build)",
        "(amount$d=10.5)", "(amount$d>9)", "(threads$d<4.1)", "(version$v<>nonsense)", "(threads=*)",
    ],
)  # fmt: skip
def test_what_is_true(constraint: str) -> None:
    assert parse(constraint).holds(PROPERTIES) is True


@pytest.mark.parametrize(
    "constraint",
    [
        "(threads=5)", "(threads>4)", "(threads>1ds23)", "(threads=1_0)", "(threads=vpn)", "(threads<nan)",
        "(threads=4*)",
        "(big=9007199254740992)", "(model=Linear)", "(model=lin)", "(model=linear )", "(model=*x*)", "(path=abc)",
        "(path=a*a)", "(capabilities=gpu)", "(capabilities=[vpn])", "(capabilities=[vpn,gpu])", "(capabilities=[])",
        "(capabilities>a)", "(capabilities<>vpn)", "(multi=1)", "(multi>false)", "(multi=yes)", "(nested=b)",
        "(date<2025-12-31T23:59:59Z)", "(date=2026-01-01)", "(version>=1.9.0)", "(version$v>=1.10.1)",
        "(version$v>=nonsense)", "(amount>9)", "(amount$d<nonsense)", "(date$t>2026-01-01)", "(nothing=*)",
        "(absent=*)",
    ],
)  # fmt: skip
def test_what_is_false(constraint: str) -> None:
    assert parse(constraint).holds(PROPERTIES) is False


@pytest.mark.parametrize(
    "constraint",
    [
        "(absent=1)", "(absent<>1)", "(absent<1)", "(nothing=)", "(model$v>=1.0.0)", "(model$d>1)", "(threads$t=4)",
        "(multi$d=1)", "(capabilities$d=1)", "(date$v=1.0.0)",
    ],
)  # fmt: skip
def test_what_is_neither_and_stays_so_when_turned(constraint: str) -> None:
    assert parse(constraint).holds(PROPERTIES) is None
    assert parse(f"(!{constraint})").holds(PROPERTIES) is None
    assert not parse(constraint).matches(PROPERTIES)
    assert parse(f"(|{constraint}(threads=4))").matches(PROPERTIES)
    assert parse(f"(&{constraint}(threads=5))").holds(PROPERTIES) is False


def test_versions_come_in_the_order_of_semantic_versioning() -> None:
    versions = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0"]
    versions += ["1.0.1", "1.2.0", "1.10.0", "2.0.0"]
    for place, version in enumerate(versions):
        for other_place, other in enumerate(versions):
            assert parse(f"(v$v<{other})").holds({"v": version}) is (place < other_place)


@given(st.text(), st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), st.text().filter(lambda text: ")" not in text))
def test_any_texts_can_be_compared(have: str, operator: str, value: str) -> None:
    for properties in ({"a": have}, {"a": [have]}, {"a": 1}, {"a": True}):
        for reading in ("", "$d", "$t", "$v"):
            expression = parse(f"(a{reading}{operator}{value})")
            opposite = parse(f"(!(a{reading}{operator}{value}))")
            assert (expression.holds(properties) is None) == (opposite.holds(properties) is None)


def test_many_asterisks_take_no_longer() -> None:
    assert parse(f"(a={'*a' * 2000}*b)").holds({"a": "a" * 50_000}) is False
