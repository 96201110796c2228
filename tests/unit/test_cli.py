"""The commands that need no cluster, and what becomes of bad input."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runner import HEALTHPAY, SMALL, Program, Result

from releaseconsole import __version__
from releaseconsole.clock import SystemClock
from releaseconsole.plan.load import load_plan
from releaseconsole.record.journal import Journal
from releaseconsole.record.stores.file import FileStore
from releaseconsole.session.opening import describe_release

COMMANDS = (
    "demo",
    "run",
    "validate",
    "schema",
    "check",
    "status",
    "rollback",
    "journal",
    "sandbox",
    "locate",
)
GOOD = SMALL.read_text("utf-8")


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(GOOD, "utf-8")
    return path


def write_journal(folder: Path, plan: Path, *ticks: str) -> Path:
    """A journal of the plan in which some items were ticked; its file."""
    release = describe_release(load_plan(plan))
    journal = Journal.open(FileStore(folder), release=release, clock=SystemClock(), by="amira")
    for item in ticks:
        journal.append("item.done", {"item": item})
    journal.close()
    return folder / "journal.jsonl"


class TestHelp:
    def test_the_version_is_one_line_on_stdout(self, program: Program) -> None:
        assert program("--version") == Result(0, f"releaseconsole {__version__}\n", "")

    def test_help_names_every_command_of_the_contract(self, program: Program) -> None:
        helped = program("--help")
        assert (helped.code, helped.err) == (0, "")
        assert [name for name in COMMANDS if f"\n  {name} " not in helped.out] == []

    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_explains_itself(self, program: Program, command: str) -> None:
        helped = program(command, "--help")
        assert (helped.code, helped.err) == (0, "")
        assert helped.out.startswith(f"Usage: python -m releaseconsole {command}")

    def test_without_a_command_the_help_goes_to_stderr_as_wrong_use(self, program: Program) -> None:
        program().refused(2, "Usage:", "rollback")

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("nosuch",), "No such command 'nosuch'"),
            (("status",), "Missing argument 'PLAN'"),
            (("validate", "--nosuch", "x"), "No such option"),
            (("sandbox",), "Missing option '--kubeconfig'"),
            (("demo", "--seed", "many"), "not a valid integer"),
        ],
    )
    def test_wrong_use_is_explained_on_stderr(
        self, program: Program, words: tuple[str, ...], said: str
    ) -> None:
        program(*words).refused(2, said)


class TestCommandsWithoutACluster:
    @pytest.mark.parametrize("sample", [HEALTHPAY, SMALL], ids=lambda path: path.stem)
    def test_the_samples_are_valid(self, program: Program, sample: Path) -> None:
        told = program("validate", sample)
        assert (told.code, told.err) == (0, "")
        assert "fine" in told.out
        assert program("validate", sample, "--json").document == {"ok": True, "problems": []}

    def test_the_schema_is_a_json_document(self, program: Program) -> None:
        printed = program("schema")
        assert (printed.code, printed.err) == (0, "")
        assert "phases" in printed.document["properties"]

    def test_locate_names_places_that_follow_the_environment(self, program: Program) -> None:
        places = program("locate", "--json").document
        assert places["journals"] == str(program.state / "releases")
        assert Path(places["sample configs"], "healthpay.toml").is_file()
        listed = program("locate").out
        assert all(path in listed for path in places.values())
        assert not program.state.exists()

    def test_a_journal_that_was_never_begun_is_empty_and_is_not_made(
        self, program: Program, plan: Path
    ) -> None:
        told = program("journal", plan)
        assert (told.code, told.out, told.err) == (0, "", "Nothing has happened in this release yet.\n")
        assert program("journal", plan, "--json").document == {"whole": True, "problem": "", "entries": []}
        assert not program.state.exists()

    def test_the_journal_tells_what_happened_and_by_whom(self, program: Program, plan: Path) -> None:
        write_journal(program.state / "releases/shop/2.1.0", plan, "looked-at")
        told = program("journal", plan)
        assert (told.code, told.err) == (0, "")
        assert "amira" in told.out
        assert "Somebody has looked at the pages" in told.out
        entries = program("journal", plan, "--json").document["entries"]
        assert [entry["kind"] for entry in entries] == ["release.opened", "item.done"]

    def test_verifying_a_whole_journal_says_so(self, program: Program, plan: Path, tmp_path: Path) -> None:
        write_journal(tmp_path / "j", plan, "looked-at", "pods")
        told = program("journal", plan, "--verify", "--state", "j")
        assert (told.code, told.err) == (0, "")
        assert told.out.startswith("3 entries, every hash fits")


def bad(change: str, to: str) -> tuple[str, int]:
    """The small plan with one mistake, and the line that it is on."""
    assert change in GOOD
    text = GOOD.replace(change, to, 1)
    changed = next(
        n for n, (a, b) in enumerate(zip(text.split("\n"), GOOD.split("\n"), strict=False), 1) if a != b
    )
    return text, changed


BAD_PLANS = {
    "broken TOML": (bad('title = "Shop"', 'title = "Shop'), ("valid TOML",)),
    "two items of one id": (bad('id = "looked-at"', 'id = "pods"'), ("pods",)),
    "a phase that needs itself": (bad('needs = ["deploy"]', 'needs = ["success"]'), ("itself",)),
    "an item with an unknown check": (
        bad('{ pods = "ready" }', '{ pots = "ready" }'),
        ("pots", "did you mean"),
    ),
    "a threshold without a number": (bad('target = "< 0.1"', 'target = "< much"'), ("< much", "number")),
    "an unknown key": (
        bad('environment = "production"\nneeds', 'enviroment = "production"\nneeds'),
        ("did you mean",),
    ),
}


class TestBadPlans:
    @pytest.mark.parametrize("mistake", BAD_PLANS)
    def test_a_mistake_is_reported_with_its_line(self, program: Program, plan: Path, mistake: str) -> None:
        (text, line), words = BAD_PLANS[mistake]
        plan.write_text(text, "utf-8")
        program("validate", plan).refused(2, f"{plan}:{line}", "expected", "Mend the line", *words)

    def test_all_mistakes_are_reported_in_one_document(self, program: Program, plan: Path) -> None:
        text = GOOD.replace('needs = ["deploy"]', 'needs = ["success"]').replace('"< 0.1"', '"< much"')
        plan.write_text(text, "utf-8")
        reported = program("validate", plan, "--json")
        assert (reported.code, reported.err) == (2, "")
        assert reported.document["ok"] is False
        problems = reported.document["problems"]
        assert [problem["place"].rpartition(".")[2] for problem in problems] == ["target", "needs[0]"]
        assert all(problem["line"] and problem["expected"] for problem in problems)

    def test_a_missing_plan_is_named_with_a_remedy(self, program: Program) -> None:
        program("validate", "nosuch.toml").refused(2, "nosuch.toml", "no such file", "Check its name.")

    def test_a_folder_is_no_plan(self, program: Program, tmp_path: Path) -> None:
        program("validate", tmp_path).refused(2, "a folder", "Name the plan in it.")

    def test_bytes_that_are_no_utf_8_are_placed(self, program: Program, plan: Path) -> None:
        plan.write_bytes(GOOD.encode().replace(b"Shop", b"Sh\xf6p"))
        program("validate", plan).refused(2, f"{plan}:5", "0xf6", "UTF-8")

    @pytest.mark.parametrize("command", ["status", "check", "rollback", "journal", "run"])
    def test_every_command_refuses_a_bad_plan_in_the_same_words(
        self, program: Program, plan: Path, command: str
    ) -> None:
        (text, line), words = BAD_PLANS["a phase that needs itself"]
        plan.write_text(text, "utf-8")
        flags = () if command == "run" else ("--json",)
        program(command, plan, *flags).refused(2, f"{plan}:{line}", "Mend the line", *words)

    def test_a_name_that_is_no_text_is_shown_escaped(self, program: Program) -> None:
        name = os.fsdecode(b"pl\xffan.toml")
        program("validate", name).refused(2, "no such file", "\\udcff")


class TestBadJournals:
    def test_the_journal_of_another_plan_is_refused(
        self, program: Program, plan: Path, tmp_path: Path
    ) -> None:
        write_journal(tmp_path / "j", HEALTHPAY)
        program("journal", plan, "--state", "j").refused(2, "healthpay 1.0.0", "shop 2.1.0", "--state")

    def test_a_torn_last_line_is_reported_and_the_rest_is_shown(
        self, program: Program, plan: Path, tmp_path: Path
    ) -> None:
        file = write_journal(tmp_path / "j", plan, "looked-at")
        file.write_bytes(file.read_bytes() + b'{"at":1790000000.0,"by":"am')
        before = file.read_bytes()
        told = program("journal", plan, "--state", "j")
        assert told.code == 0
        assert "Somebody has looked at the pages" in told.out
        assert "not complete (27 bytes)" in told.err
        assert file.read_bytes() == before

    @pytest.mark.parametrize("flags", [(), ("--verify",)])
    def test_a_changed_middle_is_refused_with_its_place(
        self, program: Program, plan: Path, tmp_path: Path, flags: tuple[str, ...]
    ) -> None:
        file = write_journal(tmp_path / "j", plan, "looked-at", "pods")
        file.write_bytes(file.read_bytes().replace(b"looked-at", b"looked-on"))
        program("journal", plan, "--state", "j", *flags).refused(2, "line 2", "was changed", "copy")

    def test_a_damaged_journal_is_a_document_too(self, program: Program, plan: Path, tmp_path: Path) -> None:
        file = write_journal(tmp_path / "j", plan, "looked-at", "pods")
        file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[i] for i in (0, 2)))
        told = program("journal", plan, "--state", "j", "--verify", "--json")
        assert told.code == 2
        assert told.document["whole"] is False
        assert "line 2" in told.document["problem"]
        assert "line 2" in told.err

    def test_a_state_folder_that_cannot_be_is_refused_with_a_remedy(
        self, program: Program, plan: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_text("in the way")
        program("journal", plan, "--state", "file/journal").refused(2, "file/journal", "--state")
        elsewhere = {"RELEASECONSOLE_STATE": str(tmp_path / "file")}
        program("journal", plan, environ=elsewhere).refused(2, "is not a folder", "$RELEASECONSOLE_STATE")


class TestTerminals:
    @pytest.mark.parametrize("words", [("demo",), ("run", str(SMALL))], ids=["demo", "run"])
    def test_the_console_needs_a_terminal_and_names_what_does_not(
        self, program: Program, words: tuple[str, ...]
    ) -> None:
        program(*words).refused(2, "needs a terminal", "`status`", "--json")

    def test_no_colour_even_where_others_force_it(self, program: Program) -> None:
        forced = {"FORCE_COLOR": "1", "CLICOLOR_FORCE": "1", "TERM": "xterm-256color", "NO_COLOR": "1"}
        assert program("validate", SMALL, environ=forced).code == 0
        program("validate", "nosuch.toml", environ=forced).refused(2, "no such file")

    def test_an_old_terminal_gets_escapes_and_json_stays_json(self, program: Program, plan: Path) -> None:
        write_journal(program.state / "releases/shop/2.1.0", plan, "looked-at")
        old = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
        assert "looked at the pages" in program("journal", plan, environ=old).out
        assert program("journal", plan, "--json", environ=old).document["whole"] is True
        (text, _), _ = BAD_PLANS["a phase that needs itself"]
        plan.write_text(text.replace("Success", "Erfolg – geschafft 😀"), "utf-8")
        assert program("validate", plan, "--json", environ=old).document["ok"] is False


class TestPracticeClusterOptions:
    @pytest.mark.parametrize(
        ("flags", "said"),
        [
            (("--scenario", "nosuch"), ("“nosuch”", "healthy, error-spike, slow")),
            (("--scenario", "slow@mars"), ("mars", "staging, uat, production")),
            (("--speed", "0"), ("--speed", "real time")),
            (("--speed", "1e9"), ("speed", "Choose")),
            (("--port", "5"), ("Port 5", "Choose")),
            (("--until-eof",), ("--until-eof", "Ctrl+C")),
        ],
    )
    def test_what_cannot_be_is_refused_with_what_can(
        self, program: Program, tmp_path: Path, flags: tuple[str, ...], said: tuple[str, ...]
    ) -> None:
        with (tmp_path / "stdin").open("wb+") as regular:
            done = subprocess.run(
                [sys.executable, "-m", "releaseconsole", "sandbox", "--kubeconfig", "k", *flags],
                stdin=regular, capture_output=True, env=program.environ(), cwd=tmp_path, timeout=60, check=False,
            )  # fmt: skip
        Result(done.returncode, done.stdout.decode(), done.stderr.decode()).refused(2, *said)
        assert b"Traceback" not in done.stderr

    @pytest.mark.parametrize("option", ["--kubeconfig", "--endpoints"])
    def test_a_file_that_cannot_be_written_is_named(
        self, program: Program, tmp_path: Path, option: str
    ) -> None:
        (tmp_path / "file").write_text("in the way")
        files = {"--kubeconfig": "k", "--endpoints": "e", option: "file/x"}
        words = [word for pair in files.items() for word in pair]
        program("sandbox", *words).refused(2, "file/x cannot be written", "folder that can be written")

    def test_endpoints_that_are_none_are_refused(self, program: Program, plan: Path, tmp_path: Path) -> None:
        program("status", plan, "--endpoints", "nosuch.json").refused(2, "nosuch.json", "`sandbox`")
        (tmp_path / "e.json").write_text('{"mars": {}}')
        program("status", plan, "--endpoints", "e.json").refused(2, "mars", "production")
        (tmp_path / "e.json").write_text("[" * 100_000)
        program("status", plan, "--endpoints", "e.json").refused(2, "e.json could not be read")


class TestTheEdge:
    def test_a_defect_is_one_sentence_with_the_log_that_has_the_traceback(
        self, program: Program, plan: Path
    ) -> None:
        broken = (
            "import sys, releaseconsole.session.opening as opening\n"
            "def read_journal(*_): raise KeyError('\\x1b[31mno such thing')\n"
            "opening.read_journal = read_journal\n"
            "from releaseconsole.cli import main\n"
            "main()"
        )
        told = program("journal", plan, python=("-c", broken))
        log = program.state / "releaseconsole.log"
        told.refused(1, "This is a defect (KeyError", str(log), "report it")
        written = log.read_text("utf-8")
        assert "Traceback" in written
        assert "no such thing" in written

    def test_a_defect_without_a_place_for_the_log_is_still_a_sentence(
        self, program: Program, plan: Path
    ) -> None:
        program.state.write_text("in the way")
        broken = (
            "import releaseconsole.plan.load as load\n"
            "def load_plan(*_): raise ExceptionGroup('tasks', [ZeroDivisionError('nothing')])\n"
            "load.load_plan = load_plan\n"
            "from releaseconsole.cli import main\n"
            "main()"
        )
        program("journal", plan, python=("-c", broken)).refused(
            1, "This is a defect (ZeroDivisionError: nothing)."
        )

    def test_a_reader_that_leaves_early_is_no_reason_for_words(self, program: Program) -> None:
        read, write = os.pipe()
        os.close(read)
        words = [sys.executable, "-m", "releaseconsole", "schema"]
        done = subprocess.run(words, stdout=write, stderr=subprocess.PIPE, env=program.environ(), check=False)
        os.close(write)
        assert (done.returncode, done.stderr) == (1, b"")

    @pytest.mark.parametrize("words", [("schema",), ("--help",)], ids=["schema", "help"])
    def test_a_full_disk_is_said_once(self, program: Program, words: tuple[str, ...]) -> None:
        with open("/dev/full", "wb") as full:
            command = [sys.executable, "-m", "releaseconsole", *words]
            done = subprocess.run(
                command, stdout=full, stderr=subprocess.PIPE, env=program.environ(), check=False
            )
        assert done.returncode == 1
        assert b"could not be written: No space left" in done.stderr
        assert b"Traceback" not in done.stderr
