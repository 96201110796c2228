"""Log lines: bounded, in order, safe to show, and neither doubled nor lost in silence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaseconsole.cluster.logbuffer import LogBuffer, LogLine, level_of
from releaseconsole.cluster.logline import LONGEST, NANO, RawLine, Splitter, Stamps, shown, split_stamp
from releaseconsole.cluster.logresume import Judged, Resume

SECOND = 1_767_225_600 * NANO


def lines(*texts: str, at: float = 0.0) -> list[LogLine]:
    return [LogLine(at, "pod", "web", text, level_of(text)) for text in texts]


def test_line_numbers_stay_while_old_lines_leave() -> None:
    buffer = LogBuffer(capacity=3)
    buffer.append(lines("0", "1", "2", "3", "4"))
    assert (buffer.first, buffer.end, buffer.dropped) == (2, 5, 2)
    assert buffer.line(4).text == "4"
    assert [line.text for line in buffer.slice(0, 99)] == ["2", "3", "4"]
    with pytest.raises(IndexError):
        buffer.line(1)
    with pytest.raises(IndexError):
        buffer.line(5)


@given(st.lists(st.integers(0, 40), max_size=30), st.integers(1, 12))
def test_it_always_holds_the_last_lines_in_order(batches: list[int], capacity: int) -> None:
    buffer, count = LogBuffer(capacity=capacity), 0
    for size in batches:
        buffer.append(lines(*(str(count + index) for index in range(size))))
        count += size
    held = [line.text for line in buffer.slice(buffer.first, buffer.end)]
    assert held == [str(number) for number in range(max(0, count - capacity), count)]


def test_long_lines_are_bounded_by_their_text_too() -> None:
    buffer = LogBuffer(capacity=1_000, most_characters=100)
    buffer.append(lines(*("x" * 40 for _ in range(10))))
    assert buffer.end - buffer.first == 2


def test_errors_of_the_last_minute_are_counted_by_their_own_time() -> None:
    buffer = LogBuffer()
    buffer.append(lines("ERROR old", at=100.0))
    buffer.append(lines("ERROR new", "ERROR new", "fine", at=1000.0))
    assert buffer.errors_per_minute(1005.0) == 2
    assert buffer.errors_per_minute(1100.0) == 0


def test_the_count_of_errors_does_not_grow_for_ever() -> None:
    buffer = LogBuffer(capacity=10)
    for second in range(1_000):
        buffer.append(lines("ERROR", at=float(second)))
    assert buffer.errors_per_minute(999.0) == 60


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("2026 ERROR boom", "error"),
        ('{"level":"error","msg":"x"}', "error"),
        ('{"level": "Warning"}', "warn"),
        ("E0512 12:00:00.1 x.go:3] x", "error"),
        ("I0512 12:00:00.1 x.go:3] x", "info"),
        ("[WARN] low", "warn"),
        ("INFO handled ERROR code", "info"),
        ("no errors here", ""),
        ("GET /information 200", ""),
        ("", ""),
    ],
)
def test_a_line_names_its_level(text: str, level: str) -> None:
    assert level_of(text) == level


@given(st.binary(max_size=400), st.lists(st.integers(1, 50), max_size=40))
def test_lines_do_not_depend_on_how_the_bytes_were_cut(data: bytes, cuts: list[int]) -> None:
    splitter, found, position = Splitter(), [], 0
    for size in [*cuts, len(data)]:
        found += list(splitter.feed(data[position : position + size]))
        position += size
    rest = splitter.rest()
    expected = data.split(b"\n")
    assert [line.data for line in found] == expected[:-1]
    assert (rest.data if rest else b"") == expected[-1]


def test_a_line_of_ten_megabytes_is_cut_and_says_how_long_it_was() -> None:
    splitter = Splitter()
    found = [line for _ in range(160) for line in splitter.feed(b"x" * 65_536)]
    found += splitter.feed(b"\nnext\n")
    long, following = found
    assert (len(long.data), long.size) == (LONGEST, 10_485_760)
    assert "10,485,760 bytes" in shown(long.data, long)
    assert following.data == b"next"


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        (b"2026-01-01T00:00:00.123456789Z", SECOND + 123_456_789),
        (b"2026-01-01T00:00:00Z", SECOND),
        (b"2026-01-01T05:30:00.5+05:30", SECOND + 500_000_000),
        (b"2026-13-01T00:00:00Z", None),
        (b"2026-01-01T00:00:00", None),
        (b"failed-to-open-the-log-file", None),
        (b"\xff" * 24, None),
    ],
)
def test_times_have_nine_digits_and_an_offset(stamp: bytes, expected: int | None) -> None:
    assert Stamps().parse(stamp) == expected


def test_a_remark_without_a_time_is_kept_whole() -> None:
    raw = RawLine(b"unable to retrieve container logs", 33)
    assert split_stamp(raw, Stamps()) == (None, raw.data)


def test_nothing_in_a_line_reaches_the_terminal_as_a_command() -> None:
    raw = RawLine(b"\x1b[31mred\x1b[0m \x1b]52;c;x\x07 \x1b[2J \xff\xfe tab\there\r", 99)
    text = shown(raw.data, RawLine(raw.data, len(raw.data)))
    assert text.startswith("red ")
    assert not any(ord(character) < 32 for character in text)
    assert "\ufffd" in text


class TestResume:
    def seen(self, *keys: tuple[int, int]) -> Resume:
        resume = Resume()
        resume.begin(same_instance=False)
        for nanoseconds, digest in keys:
            assert resume.judge(SECOND + nanoseconds, digest) is Judged.KEEP
        return resume

    def test_it_asks_again_from_the_start_of_the_last_second(self) -> None:
        assert Resume().since == ""
        assert self.seen((999_999_999, 1)).since == "2026-01-01T00:00:00Z"

    def test_what_was_seen_is_dropped_once_and_what_is_new_is_kept(self) -> None:
        resume = self.seen((1, 1), (2, 2))
        resume.begin(same_instance=True)
        judged = [resume.judge(SECOND + at, digest) for at, digest in ((1, 1), (2, 2), (2, 3), (NANO, 4))]
        assert judged == [Judged.DROP, Judged.DROP, Judged.KEEP, Judged.KEEP]

    def test_equal_lines_of_equal_time_are_all_kept(self) -> None:
        resume = self.seen((5, 7), (5, 7))
        resume.begin(same_instance=True)
        judged = [resume.judge(SECOND + 5, 7) for _ in range(3)]
        assert judged == [Judged.DROP, Judged.DROP, Judged.KEEP]

    def test_a_last_line_that_does_not_come_back_is_a_gap(self) -> None:
        resume = self.seen((1, 1))
        resume.begin(same_instance=True)
        assert resume.judge(SECOND + 2 * NANO, 9) is Judged.KEEP_AFTER_GAP
        assert resume.judge(SECOND + 2 * NANO, 10) is Judged.KEEP

    def test_a_new_instance_owes_no_line_of_the_one_before(self) -> None:
        resume = self.seen((1, 1))
        resume.begin(same_instance=False)
        assert resume.judge(SECOND + 2 * NANO, 9) is Judged.KEEP

    def test_an_earlier_instance_that_is_served_again_is_dropped(self) -> None:
        resume = self.seen((1, 1), (2, 2))
        for _ in range(3):
            resume.begin(same_instance=False)
            assert resume.judge(SECOND + 1, 1) is Judged.DROP
            assert resume.judge(SECOND + 2, 2) is Judged.DROP

    def test_giving_up_marks_a_gap(self) -> None:
        resume = self.seen((1, 1))
        resume.give_up()
        assert resume.since == ""
        resume.begin(same_instance=True)
        assert resume.judge(SECOND + 60 * NANO, 1) is Judged.KEEP_AFTER_GAP

    @given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=30), st.integers(0, 30))
    def test_interrupted_anywhere_it_shows_every_line_once(
        self, keys: list[tuple[int, int]], cut: int
    ) -> None:
        log = sorted((SECOND + at * NANO // 2, digest) for at, digest in keys)
        resume, shown_lines = Resume(), []
        resume.begin(same_instance=True)
        first = log[:cut]
        shown_lines += [key for key in first if resume.judge(*key) is not Judged.DROP]
        start = first[-1][0] // NANO * NANO if first else 0
        resume.begin(same_instance=True)
        again = [(key, resume.judge(*key)) for key in log if key[0] >= start]
        shown_lines += [key for key, judged in again if judged is not Judged.DROP]
        assert shown_lines == log
        assert Judged.KEEP_AFTER_GAP not in [judged for _, judged in again]
