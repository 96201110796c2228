"""The journal: durable, chained, and honest about what it finds when it is opened again."""

from __future__ import annotations

import json
import math
import random
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from releaseconsole.errors import JournalBusy, JournalDamaged, JournalMismatch, ReadOnly, RecordError
from releaseconsole.record.entry import make_entry, read_line
from releaseconsole.record.journal import Journal, News, verify
from releaseconsole.record.model import ActionStatus, ItemStatus
from releaseconsole.record.stores.file import FileStore

# A busy machine is no failure: what is asked here is whether it holds, not how fast.
UNHURRIED = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


RELEASE = {"name": "healthpay", "version": "1.0.0", "plan_hash": "p1", "title": "HealthPay wallet"}


class Ticking:
    """A clock that advances by one second each time it is read."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        self.time += 1.0
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def opened(folder: Path, **options: Any) -> Journal:
    release = options.pop("release", RELEASE)
    return Journal.open(FileStore(folder, **options), release=release, clock=Ticking(), by="amira")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """The file of a closed journal of five entries."""
    journal = opened(tmp_path)
    journal.append("session.started", {"pid": 1, "host": "h", "version": "0"})
    journal.append("item.done", {"item": "backup", "note": "Größe: 3 GB\nin zwei Teilen"})
    journal.append("action.started", {"action": "deploy", "label": "apply"})
    journal.append("item.done", {"item": "alerts", "value": "12"}, by="noor")
    journal.close()
    return tmp_path / "journal.jsonl"


@pytest.fixture
def open_journals() -> Iterator[list[Journal]]:
    """Journals that have to be closed after the test."""
    journals: list[Journal] = []
    yield journals
    for journal in journals:
        journal.close()


def test_a_new_journal_begins_with_the_release(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.close()
    (first,) = journal.entries
    assert (first.seq, first.kind, first.by, first.prev) == (1, "release.opened", "amira", "")
    assert first.data == RELEASE
    assert journal.state.started == 1001.0
    assert journal.recovered == ""


def test_ticks_are_the_same_when_it_is_opened_again(written: Path) -> None:
    before = written.read_bytes()
    journal = opened(written.parent)
    journal.close()
    assert journal.state.item("backup").status is ItemStatus.DONE
    assert journal.state.item("backup").note == "Größe: 3 GB\nin zwei Teilen"
    assert (journal.state.item("alerts").by, journal.state.item("alerts").value) == ("noor", "12")
    assert written.read_bytes() == before


def test_a_journal_goes_on_where_it_ended_and_shows_what_was_interrupted(written: Path) -> None:
    journal = opened(written.parent)
    journal.append("session.started", {"pid": 2, "host": "h", "version": "0"})
    journal.close()
    assert journal.state.action("deploy").status is ActionStatus.INTERRUPTED
    again = opened(written.parent, read_only=True)
    verify(again.entries)
    assert [entry.seq for entry in again.entries] == [1, 2, 3, 4, 5, 6]
    assert again.state == journal.state


def test_each_line_is_json_that_other_programs_can_check(written: Path) -> None:
    import hashlib

    prev = ""
    for line in written.read_bytes().splitlines():
        entry = json.loads(line)
        found = entry.pop("hash")
        body = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        assert hashlib.sha256(body).hexdigest() == found
        assert entry["prev"] == prev
        prev = found


def test_a_last_line_torn_at_any_byte_is_cut_off_and_reported_and_nothing_else_is_lost(
    written: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = written.read_bytes()
    kept = whole[: whole.rindex(b"\n", 0, -1) + 1]
    for length in range(1, len(whole) - len(kept)):
        folder = tmp_path_factory.mktemp("torn")
        torn = whole[len(kept) : len(kept) + length]
        (folder / "journal.jsonl").write_bytes(kept + torn)
        journal = opened(folder)
        journal.close()
        assert [entry.seq for entry in journal.entries] == [1, 2, 3, 4], length
        assert f"torn ({length:,} bytes) and was cut off" in journal.recovered
        assert (folder / "journal.jsonl").read_bytes() == kept
        assert (folder / "journal.torn-1").read_bytes() == torn


@pytest.mark.parametrize("tail", [b"\0" * 4096, b"\xff\xfe", b"{", b"\r"])
def test_whatever_follows_the_last_whole_line_is_cut_off(written: Path, tail: bytes) -> None:
    whole = written.read_bytes()
    written.write_bytes(whole + tail)
    journal = opened(written.parent)
    journal.append("item.done", {"item": "c"})
    journal.close()
    assert written.read_bytes().startswith(whole)
    assert len(opened(written.parent, read_only=True).entries) == 6


def test_torn_lines_of_several_crashes_are_all_kept(written: Path) -> None:
    for number in (1, 2, 3):
        with written.open("ab") as file:
            file.write(b"x" * number)
        opened(written.parent).close()
    kept = [path.read_bytes() for path in sorted(written.parent.glob("journal.torn-*"))]
    assert kept == [b"x", b"xx", b"xxx"]


def test_a_journal_torn_in_its_very_first_line_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_bytes(b'{"at":1.0,"by":')
    journal = opened(tmp_path)
    journal.close()
    assert [entry.kind for entry in journal.entries] == ["release.opened"]
    assert "15 bytes" in journal.recovered


def refused(file: Path, lines: list[bytes], **options: Any) -> str:
    """Write the lines, see that opening is refused, and that the file is untouched; returns the message."""
    content = b"\n".join(lines) + b"\n"
    file.write_bytes(content)
    with pytest.raises(JournalDamaged) as caught:
        opened(file.parent, **options)
    assert file.read_bytes() == content
    assert caught.value.remedy
    return caught.value.message


@pytest.mark.parametrize("read_only", [False, True])
def test_a_changed_line_is_refused_with_its_place(written: Path, read_only: bool) -> None:
    lines = written.read_bytes().splitlines()
    lines[2] = lines[2].replace(b"backup", b"alerts")
    message = refused(written, lines, read_only=read_only)
    assert "Entry 3 (line 3)" in message
    assert "was changed" in message


def test_a_line_changed_with_its_hash_is_refused_at_the_line_that_follows(written: Path) -> None:
    lines = written.read_bytes().splitlines()
    third = json.loads(lines[2])
    forged = make_entry(3, third["at"], "mallory", third["kind"], third["data"], third["prev"])
    lines[2] = forged.encode().rstrip(b"\n")
    assert "Entry 4 (line 4)" in refused(written, lines)


def test_a_removed_line_is_refused_with_its_place(written: Path) -> None:
    lines = written.read_bytes().splitlines()
    del lines[2]
    message = refused(written, lines)
    assert "Entry 3 (line 3)" in message
    assert "holds entry 4" in message


def test_exchanged_lines_are_refused_with_their_place(written: Path) -> None:
    lines = written.read_bytes().splitlines()
    lines[1], lines[2] = lines[2], lines[1]
    assert "Entry 2 (line 2)" in refused(written, lines)


def test_a_last_line_that_was_changed_is_refused_and_not_taken_for_torn(written: Path) -> None:
    lines = written.read_bytes().splitlines()
    lines[-1] = lines[-1].replace(b"12", b"13")
    assert "Entry 5 (line 5)" in refused(written, lines)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\r",
        b"null",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"at":1e999}',
        b"\xff\xff",
        b'{"at":NaN,"by":"","data":{},"hash":"","kind":"","prev":"","seq":3}',
        b'{"at":1.0,"by":"","data":{},"hash":"","kind":"","prev":"","seq":3,"more":1}',
        b'{"at":1.0,"by":"","data":[],"hash":"","kind":"","prev":"","seq":3}',
        b'{"at":1.0,"by":"","data":{},"hash":"\xc3","kind":"","prev":"","seq":3}',
    ],
)
def test_a_line_that_is_no_entry_is_refused_with_its_place(written: Path, line: bytes) -> None:
    lines = written.read_bytes().splitlines()
    lines[2] = line
    assert "Entry 3 (line 3)" in refused(written, lines)


@UNHURRIED
@given(st.data())
def test_any_single_byte_that_changes_is_noticed(data: st.DataObject) -> None:
    entry = make_entry(1, 1.5, "amira", "item.done", {"item": "a", "hash": "x", "n": [1, 2.5, None]}, "")
    line = entry.encode()[:-1]
    place = data.draw(st.integers(0, len(line) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != line[place]))
    with pytest.raises(JournalDamaged):
        read_line(line[:place] + bytes([byte]) + line[place + 1 :], 1, "", "test")


def test_data_that_looks_like_the_hash_does_not_confuse_it() -> None:
    data = {"hash": "0" * 64, "nested": {"hash": "1" * 64}, 'x","hash":"': '"hash":"'}
    entry = make_entry(1, 1.0, '"hash":"' + "2" * 64 + '",', "item.done", data, "")
    assert read_line(entry.encode()[:-1], 1, "", "test") == entry


def test_a_journal_of_another_release_is_refused_and_untouched(written: Path) -> None:
    written.write_bytes(written.read_bytes() + b"torn")
    before = written.read_bytes()
    with pytest.raises(JournalMismatch, match=r"written for healthpay 1\.0\.0, not for healthpay 2\.0\.0"):
        opened(written.parent, release={**RELEASE, "version": "2.0.0"})
    assert written.read_bytes() == before
    assert not list(written.parent.glob("journal.torn-*"))


def test_a_journal_without_its_beginning_is_refused(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_bytes(make_entry(1, 1.0, "x", "item.done", {"item": "a"}, "").encode())
    with pytest.raises(JournalMismatch, match="no release at all"):
        opened(tmp_path)


def test_an_edited_plan_is_still_the_same_release(written: Path) -> None:
    journal = opened(written.parent, release={**RELEASE, "plan_hash": "p2"})
    journal.close()
    assert len(journal.entries) == 5


def test_a_second_writer_is_refused_by_name_and_the_first_goes_on(
    written: Path, open_journals: list[Journal]
) -> None:
    import os

    first = opened(written.parent)
    open_journals.append(first)
    with pytest.raises(JournalBusy, match=f"process {os.getpid()} on ") as caught:
        opened(written.parent)
    assert "--read-only" in caught.value.remedy
    first.append("item.done", {"item": "c"})
    first.close()
    second = opened(written.parent)
    open_journals.append(second)
    assert len(second.entries) == 6


def test_an_onlooker_needs_no_lock_and_sees_what_the_writer_adds(
    written: Path, open_journals: list[Journal]
) -> None:
    writer, onlooker = opened(written.parent), opened(written.parent, read_only=True)
    open_journals += [writer, onlooker]
    assert not onlooker.reload()
    writer.append("item.done", {"item": "c"})
    writer.append("item.reopened", {"item": "alerts"})
    assert onlooker.reload()
    assert onlooker.state == writer.state
    assert list(onlooker.entries) == list(writer.entries)
    assert not onlooker.reload()


def test_an_onlooker_who_comes_before_the_journal_sees_it_begin(
    tmp_path: Path, open_journals: list[Journal]
) -> None:
    onlooker = opened(tmp_path / "later", read_only=True)
    assert (len(onlooker.entries), onlooker.reload()) == (0, False)
    open_journals.append(opened(tmp_path / "later"))
    assert onlooker.reload()
    assert [entry.kind for entry in onlooker.entries] == ["release.opened"]


def test_an_onlooker_waits_for_the_rest_of_a_line(written: Path) -> None:
    whole = written.read_bytes()
    written.write_bytes(whole[:-10])
    onlooker = opened(written.parent, read_only=True)
    assert len(onlooker.entries) == 4
    assert "not complete" in onlooker.recovered
    assert written.read_bytes() == whole[:-10]
    written.write_bytes(whole)
    assert onlooker.reload()
    assert len(onlooker.entries) == 5


def test_an_onlooker_follows_a_journal_that_began_anew(written: Path, open_journals: list[Journal]) -> None:
    onlooker = opened(written.parent, read_only=True)
    written.rename(written.with_name("old"))
    open_journals.append(opened(written.parent))
    assert onlooker.reload()
    assert len(onlooker.entries) == 1


def test_an_onlooker_refuses_damage_and_keeps_what_it_had(written: Path) -> None:
    onlooker = opened(written.parent, read_only=True)
    before = onlooker.state
    written.write_bytes(written.read_bytes() + b"{}\n")
    with pytest.raises(JournalDamaged, match="Entry 6"):
        onlooker.reload()
    assert onlooker.state == before


def test_an_onlooker_cannot_write(written: Path) -> None:
    with pytest.raises(ReadOnly):
        opened(written.parent, read_only=True).append("item.done", {"item": "a"})


def test_what_json_cannot_hold_is_written_as_words(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    data = {
        "value": math.nan,
        "more": (math.inf, -math.inf, 2**80, Path("x"), ItemStatus.DONE),
        "text": "broken \udcff",
        "nested": {1: {"set": {3}}},
    }
    entry = journal.append("trigger.changed", data)
    journal.close()
    assert entry.data == {
        "value": "NaN",
        "more": ["+Inf", "-Inf", str(2**80), "x", "done"],
        "text": "broken \ufffd",
        "nested": {"1": {"set": [3]}},
    }
    assert opened(tmp_path, read_only=True).entries[-1] == entry


def test_an_entry_too_large_or_too_deep_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    before = (tmp_path / "journal.jsonl").read_bytes()
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"d": deep}
    with pytest.raises(RecordError, match="nested"):
        journal.append("item.noted", deep)
    with pytest.raises(RecordError, match="bytes"):
        journal.append("item.noted", {"item": "a", "note": "x" * 5_000_000})
    journal.append("item.done", {"item": "a"})
    journal.close()
    assert (tmp_path / "journal.jsonl").read_bytes().startswith(before)
    assert [entry.seq for entry in journal.entries] == [1, 2]


def test_verify_names_the_entry_that_does_not_fit(written: Path) -> None:
    entries = list(opened(written.parent, read_only=True).entries)
    verify(entries)
    with pytest.raises(JournalDamaged, match="Entry 2"):
        verify([entries[0], *entries[2:]])


def test_fifty_thousand_entries_open_quickly(tmp_path: Path) -> None:
    lines, prev = [make_entry(1, 1.0, "a", "release.opened", RELEASE, "").encode()], ""
    prev = json.loads(lines[0])["hash"]
    for seq in range(2, 50_001):
        data = {"item": f"i{seq % 176}", "status": "passed", "reason": "3 of 3 pods are ready"}
        entry = make_entry(seq, 1.0, "check", "item.checked", data, prev)
        lines.append(entry.encode())
        prev = entry.hash
    (tmp_path / "journal.jsonl").write_bytes(b"".join(lines))
    before = time.process_time()
    journal = opened(tmp_path, read_only=True)
    # Measured at 0.45 s of CPU; the bound leaves room for a slow machine and none for a quadratic fold.
    assert time.process_time() - before < 5.0
    assert journal.state.entries == 50_000


WRITER = """
import sys
from pathlib import Path
from releaseconsole.clock import SystemClock
from releaseconsole.record.journal import Journal
from releaseconsole.record.stores.file import FileStore
release = {"name": "healthpay", "version": "1.0.0"}
journal = Journal.open(FileStore(Path(sys.argv[1])), release=release, clock=SystemClock(), by="amira")
number = 0
while True:
    number += 1
    entry = journal.append("item.done", {"item": f"i{number}", "note": "x" * (number * 37 % 5000)})
    print(entry.seq, entry.hash, flush=True)
"""


def killed_at_a_random_moment(folder: Path, entropy: random.Random) -> dict[int, str]:
    """Run a writer, kill it without warning, and return the entries it had acknowledged."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert select.select([child.stdout], [], [], 30)[0], "the writer never wrote"
        select.select([], [], [], entropy.uniform(0.0, 0.15))
        child.kill()
        said = child.stdout.read()
    # A line that was itself torn by the kill acknowledges nothing.
    whole = said[: said.rindex(b"\n") + 1].decode().splitlines()
    return {int(seq): digest for seq, digest in (line.split() for line in whole)}


def test_every_acknowledged_entry_survives_sigkill(tmp_path: Path) -> None:
    entropy = random.Random(7)
    for _ in range(4):
        acknowledged = killed_at_a_random_moment(tmp_path, entropy)
        journal = opened(tmp_path)
        journal.close()
        found = {entry.seq: entry.hash for entry in journal.entries}
        assert acknowledged
        assert acknowledged.items() <= found.items()
        assert max(found) <= max(acknowledged) + 1
        assert all(journal.state.item(f"i{n}").status is ItemStatus.DONE for n in range(1, len(acknowledged)))


BATCH = (
    News("item.done", {"item": "a"}),
    News("item.done", {"item": "b"}, 1234.5),
    News("item.done", {"item": "c"}),
)


def test_entries_written_together_are_chained_like_any_other(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    written = journal.append_all(BATCH, by="noor")
    assert journal.append_all(()) == ()
    journal.append("item.done", {"item": "d"})
    journal.close()
    again = opened(tmp_path, read_only=True)
    verify(again.entries)
    assert list(again.entries[1:4]) == list(written)
    assert [entry.data["item"] for entry in again.entries[1:]] == ["a", "b", "c", "d"]
    assert (written[1].at, {entry.by for entry in written}) == (1234.5, {"noor"})
    assert again.state == journal.state


def test_a_batch_torn_at_any_byte_keeps_its_whole_lines(tmp_path: Path) -> None:
    journal = opened(tmp_path / "whole")
    before = (tmp_path / "whole" / "journal.jsonl").stat().st_size
    journal.append_all(BATCH)
    journal.close()
    content = (tmp_path / "whole" / "journal.jsonl").read_bytes()
    for size in range(before, len(content), 7):
        folder = tmp_path / str(size)
        folder.mkdir()
        (folder / "journal.jsonl").write_bytes(content[:size])
        torn = opened(folder)
        torn.close()
        assert len(torn.entries) == content[:size].count(b"\n")


def test_a_batch_with_something_that_cannot_be_written_leaves_nothing_of_it(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    before = (tmp_path / "journal.jsonl").read_bytes()
    with pytest.raises(RecordError):
        journal.append_all((*BATCH, News("item.noted", {"item": "a", "note": "x" * 5_000_000})))
    assert (tmp_path / "journal.jsonl").read_bytes() == before
    assert len(journal.entries) == 1
    journal.append_all(BATCH)
    journal.close()
    verify(opened(tmp_path, read_only=True).entries)
