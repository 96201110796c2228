"""Text from outside, made fit for a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaseconsole.text import age, cells, cut, cut_middle, duration, plural, visible


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain words", "plain words"),
        ("Grüße, 東京, 🚀", "Grüße, 東京, 🚀"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x9b32mgreen", "green"),
        ("\x1b[2J\x1b[Hcleared", "␛[2J␛[Hcleared"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("a\rb", "a␍b"),
        ("two\nlines", "two␊lines"),
        ("\tindented", "        indented"),
        ("nul\x00", "nul␀"),
        ("del\x7f", "del␡"),
        ("next\x85line", "next<U+0085>line"),
        ("evil\u202egnp.exe", "evil<U+202E>gnp.exe"),
        ("zero\u200bwidth", "zero<U+200B>width"),
        ("family 👨\u200d👩\u200d👧", "family 👨\u200d👩\u200d👧"),
        ("half \ud83d of a pair", "half \ufffd of a pair"),
        ("[bold]markup[/bold]", "[bold]markup[/bold]"),
        ("", ""),
    ],
)
def test_control_characters_are_shown_and_colours_dropped(raw: str, shown: str) -> None:
    assert visible(raw) == shown


@given(st.text())
def test_nothing_that_is_shown_can_steer_a_terminal(text: str) -> None:
    shown = visible(text)
    assert not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in shown)
    assert "\u202e" not in shown
    shown.encode()


@given(st.text())
def test_what_was_made_visible_once_stays_as_it_is(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@given(st.text(), st.integers(min_value=0, max_value=30))
def test_a_cut_text_fits_its_width(text: str, width: int) -> None:
    text = visible(text)
    assert cells(cut(text, width)) <= width
    assert cells(cut_middle(text, width)) <= width


def test_a_text_that_fits_is_not_cut() -> None:
    assert cut("exact", 5) == "exact"
    assert cut_middle("exact", 5) == "exact"


def test_the_end_or_the_middle_goes() -> None:
    assert cut("query-service-6fd4-x2k", 12) == "query-servi…"
    assert cut_middle("query-service-6fd4-x2k", 12) == "query-…4-x2k"
    assert cut_middle("東京都庁舎", 6) == "東…舎"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0 s"),
        (float("nan"), "0 s"),
        (0.01, "0 s"),
        (0.4, "0.4 s"),
        (1.2, "1 s"),
        (41, "41 s"),
        (59.7, "1 m"),
        (64, "1 m 4 s"),
        (3600, "1 h"),
        (7500, "2 h 5 m"),
        (274_000, "3 d 4 h"),
        (float("inf"), "11,574,074 d 1 h"),
    ],
)
def test_a_duration_says_its_two_greatest_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(-5, "0 s"), (0.4, "0 s"), (34, "34 s"), (3700, "1 h"), (9e4, "1 d")]
)
def test_an_age_says_one_unit(seconds: float, words: str) -> None:
    assert age(seconds) == words


def test_numbers_agree_with_their_nouns() -> None:
    assert plural(1, "pod") == "1 pod"
    assert plural(2000, "pod") == "2,000 pods"
    assert plural(2, "entry", "entries") == "2 entries"
