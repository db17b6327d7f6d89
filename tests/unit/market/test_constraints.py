from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from golem_vpn.errors import InvalidInput
from golem_vpn.market.constraints import MAX_DEPTH, MAX_LENGTH, MAX_TERMS, parse
from tests.unit.market import reference


@given(reference.TREES, reference.PROPERTIES, st.sampled_from(["", " ", "\n\t"]))
def test_it_means_what_the_reference_says(tree: reference.Tree, properties: dict[str, Any], space: str) -> None:
    expression = parse(reference.write(tree, space))
    assert expression.holds(properties) is reference.holds(tree, properties)
    assert expression.matches(properties) is (reference.holds(tree, properties) is True)


@given(reference.TREES, st.sampled_from(["", " ", "\n\t"]))
def test_an_expression_is_written_as_it_was_read(tree: reference.Tree, space: str) -> None:
    expression = parse(reference.write(tree, space))
    assert parse(str(expression)) == expression
    assert str(parse(str(expression))) == str(expression)


@given(st.text(alphabet="()&|!=<>~*$ab1[], \n", max_size=30))
@example("(a=b)(")
def test_any_text_is_an_expression_or_an_error(text: str) -> None:
    with suppress(InvalidInput):
        expression = parse(text)
        assert parse(str(expression)) == expression


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("()", "(&)"),
        (" ( & ) ", "(&)"),
        ("(|)", "(|)"),
        ("(&(a=1)\n\t(&(b>2)\n\t(c=*)))\n", "(&(a=1)(&(b>2)(c=*)))"),
        ("( ! ( a<>b c ) )", "(!(a<>b c ))"),
        ("(a<>*)", "(!(a=*))"),
        ("(a=* )", "(a=*)"),
        ("(a$v>=1.2.3)", "(a$v>=1.2.3)"),
        ("(golem.com.payment.debit-notes.accept-timeout?>=5)", "(golem.com.payment.debit-notes.accept-timeout?>=5)"),
        ("(task=hash:sha3:12:http://x/(y?z=1)", "(task=hash:sha3:12:http://x/(y?z=1)"),
    ],
)
def test_what_is_understood(text: str, written: str) -> None:
    assert str(parse(text)) == written


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"line 1, column 1: expected '\(', found the end"),
        ("a=b", r"line 1, column 1: expected '\(', found 'a=b'"),
        ("(", "line 1, column 2: expected .* the name of a property, found the end"),
        ("(=b)", "line 1, column 2: expected .* the name of a property, found '=b"),
        ("(a)", r"line 1, column 3: expected one of = <> < <= > >=, found '\)'"),
        ("(a~=b)", "line 1, column 3: expected one of = <> < <= > >=, found '~=b"),
        ("(a=b", r"line 1, column 5: expected '\)', found the end"),
        ("(a=b)(c=d)", r"line 1, column 6: expected nothing after the last '\)', found '\(c=d\)'"),
        ("(&(a=b)c)", r"line 1, column 8: expected '\(' or '\)', found 'c\)'"),
        ("(!)", r"line 1, column 3: expected '\(', found '\)'"),
        ("(!(a=b)(c=d))", r"line 1, column 8: expected '\)', found '\(c=d\)\)'"),
        ("(&\n  (a=b)\n  (c?)\n)", "line 3, column 6: expected one of"),
    ],
)
def test_errors_say_where_and_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        parse(text)


def test_limits() -> None:
    parse("(!" * (MAX_DEPTH - 1) + "(a=b)" + ")" * (MAX_DEPTH - 1))
    with pytest.raises(InvalidInput, match="brackets within each other"):
        parse("(!" * MAX_DEPTH + "(a=b)" + ")" * MAX_DEPTH)
    parse(f"(&{'(a=b)' * (MAX_TERMS - 1)})")
    with pytest.raises(InvalidInput, match="groups and comparisons"):
        parse(f"(&{'(a=b)' * MAX_TERMS})")
    with pytest.raises(InvalidInput, match="at most"):
        parse(f"(a={'b' * MAX_LENGTH})")
