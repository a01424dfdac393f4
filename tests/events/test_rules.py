"""The grammar of rules: what is read is what is written, and errors point at the character."""

from __future__ import annotations

import string
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg.errors import UsageError
from liveseg.events.rules import And, Comparison, Duration, Not, Or, Rule, parse_rule, quoted

numbers = st.decimals(0, 100, places=3, allow_nan=False) | st.integers(0, 100).map(Decimal)
words = st.text(string.ascii_letters + "äß字", min_size=1, max_size=6)
names = words | st.sampled_from(
    ["any", "in", "not", "potted plant", "t-shirt", "road/lane", "it's", 'a "b"', "x:y", "3"]
)
comparisons = st.builds(
    Comparison, names | st.none(), st.sampled_from([">", ">=", "<", "<="]), numbers, st.sampled_from(["%", "px"])
)
conditions = st.recursive(
    comparisons,
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple))
        | st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=8,
)
rules = st.builds(
    Rule,
    conditions,
    st.none() | st.builds(Duration, numbers, st.sampled_from(["ms", "s", "min", "h"])),
    st.none() | names,
    st.none() | names,
)


@given(rules)
def test_a_rule_that_is_written_and_read_is_the_same(rule):
    assert parse_rule(str(rule)) == rule


def test_the_parts_of_a_rule_are_where_they_belong():
    rule = parse_rule("enter: person > 5% and not (car < 10px or 'potted plant' >= 2.5 %) in door for 1.5s")
    assert rule == Rule(
        And(
            (
                Comparison("person", ">", Decimal(5), "%"),
                Not(
                    Or(
                        (
                            Comparison("car", "<", Decimal(10), "px"),
                            Comparison("potted plant", ">=", Decimal("2.5"), "%"),
                        )
                    )
                ),
            )
        ),
        Duration(Decimal("1.5"), "s"),
        "door",
        "enter",
    )
    assert rule.seconds == Fraction(3, 2)
    assert parse_rule("any > 1% for 500ms").seconds == Fraction(1, 2)
    assert parse_rule("any > 1% for 2 min").seconds == 120
    assert parse_rule("ANY > 1% FOR 1h").seconds == 3600
    assert parse_rule("any > 1%").condition.name is None
    assert parse_rule("'any' > 1%").condition.name == "any"


def test_and_binds_more_closely_than_or():
    one, two, three = (f"{name} > 1%" for name in "abc")
    assert parse_rule(f"{one} or {two} and {three}") == parse_rule(f"{one} or ({two} and {three})")
    assert parse_rule(f"{one} and {two} or {three}") == parse_rule(f"({one} and {two}) or {three}")
    assert parse_rule(f"not {one} and {two}") == parse_rule(f"(not {one}) and {two}")


def test_a_rule_without_a_name_is_called_by_its_text():
    assert parse_rule("person>5%   for 2s").name == "person > 5% for 2s"
    assert parse_rule("'by the door': person > 5%").name == "by the door"


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", 0, "name of a class"),
        ("   ", 3, "name of a class"),
        ("person", 6, ">, >=, < or <="),
        ("person = 5%", 7, ">, >=, < or <="),
        ("person > five", 9, "a number"),
        ("person > 5.%", 9, "a number"),
        ("person > 5.5.5%", 9, "a number"),
        ("person > -5%", 9, "a number"),
        ("person > 5", 10, "% or px"),
        ("person > 5pixels", 10, "% or px"),
        ("person > 5% car > 1%", 12, "and, or, for, in or the end"),
        ("person > 5% and", 15, "name of a class"),
        ("person > 5% or or car > 1%", 15, "name of a class"),
        ("(person > 5%", 12, "closing bracket"),
        ("person > 5%)", 11, "and, or, for, in or the end"),
        ("'person > 5%", 0, "quote is not closed"),
        ("'cat' > 5% or 'dog': car > 3%", 19, ">, >=, < or <= is expected"),
        ("'' > 5%", 0, "empty"),
        ("for > 5%", 0, "in quotes"),
        ("person > 101%", 9, "at most 100%"),
        ("person > 5% for", 15, "a time such as 2s"),
        ("person > 5% for 2", 17, "ms, s, min or h"),
        ("person > 5% for 2m", 17, "ms, s, min or h"),
        ("person > 5% in", 14, "name of a zone"),
        ("person > 5% for 1s for 2s", 19, "second time"),
        ("person > 5% in a in b", 17, "second time"),
        ("a: b: car > 5%", 4, ">, >=, < or <="),
        ("字字 > x", 5, "a number"),
        ("(" * 99 + "person > 5%", 51, "nested"),
    ],
)
def test_an_error_points_at_the_character(text, place, words):
    with pytest.raises(UsageError) as caught:
        parse_rule(text)
    message, shown, mark = str(caught.value).split("\n")
    at = "the end" if place == len(text) else f"character {place + 1}"
    assert message.startswith(f"--when, at {at}: ")
    assert words in message
    assert shown == f"  {text}"
    # A terminal shows such a character two columns wide.
    wide = sum(2 if ord(letter) > 0x2E80 else 1 for letter in text[:place])
    assert mark == f"  {' ' * wide}^"


@pytest.mark.parametrize("depth", [10, 40])
def test_what_is_nested_as_deeply_as_anyone_would_is_read(depth):
    inner = "(" * depth + "any > 1%" + ")" * depth
    assert parse_rule("not " * 5 + inner).condition is not None


def test_a_tab_or_an_escape_in_a_rule_does_not_move_the_mark_or_reach_the_terminal():
    with pytest.raises(UsageError) as caught:
        parse_rule("person\t>\x1b[31m x")
    _, shown, mark = str(caught.value).split("\n")
    assert "\x1b" not in shown
    assert "\t" not in shown
    assert len(mark) == 2 + 8 + 1


@pytest.mark.parametrize(
    ("text", "pixels", "of", "holds"),
    [
        ("any > 5%", 5, 100, False),
        ("any > 5%", 6, 100, True),
        ("any >= 5%", 5, 100, True),
        ("any < 5%", 5, 100, False),
        ("any <= 5%", 5, 100, True),
        # In floating point 0.1 % of 3000 is not 3.
        ("any >= 0.1%", 3, 3000, True),
        ("any > 0.1%", 3, 3000, False),
        ("any > 10 px", 10, 11, False),
        ("any > 9.5px", 10, 11, True),
        ("any >= 100%", 11, 11, True),
    ],
)
def test_a_limit_is_compared_exactly(text, pixels, of, holds):
    assert parse_rule(text).condition.holds(pixels, of) is holds


def test_quotes_stand_only_where_they_are_needed():
    assert [quoted(name) for name in ("person", "potted plant", "in", "it's")] == [
        "person",
        '"potted plant"',
        '"in"',
        '"it\'s"',
    ]
