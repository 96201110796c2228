"""How a step acts: commands, requests and waits, and how each of them ends."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from aiohttp import web
from cluster_objects import deployment, made, pod, replica_set, running, waiting

from releaseconsole.actions import wait
from releaseconsole.actions.runner import Outcome, run
from releaseconsole.cluster.objects import Service
from releaseconsole.errors import GateClosed, NotFound, Unreachable
from releaseconsole.outside import process
from releaseconsole.outside.process import Lines
from releaseconsole.outside.world import EnvironmentData, TargetData
from releaseconsole.plan.model import Action, Phase, PlacedAction, Step, Target
from releaseconsole.record.model import Pin, RollbackState, Stage, WorkloadRollback

STAGING = Target(context="staging", namespace="shop")
OLD, NEW = "shop/web:1", "shop/web:2"


class FakeClock:
    """Time passes only by sleeping."""

    def __init__(self) -> None:
        self.at = 1_000_000.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds
        await asyncio.sleep(0)


@dataclass
class Context:
    """A session's side of an action."""

    folder: Path = Path()
    environ: Mapping[str, str] = field(default_factory=lambda: {"PATH": os.environ["PATH"]})
    variables: Mapping[str, str] = field(default_factory=lambda: {"version": "1.1.0", "namespace": "shop"})
    kubeconfig: Path | None = None
    http: httpx.AsyncClient = None  # type: ignore[assignment]
    clock: FakeClock = field(default_factory=FakeClock)
    targets: Callable[[float], tuple[TargetData, ...]] = lambda _: (TargetData(STAGING),)
    links: Mapping[str, str] = field(default_factory=dict)
    generation: int | Exception = 3
    pins: Sequence[Pin] = ()
    rolled_back: RollbackState | Exception | None = None
    workloads: tuple[str, ...] = ("deployment/web",)

    def environment(self, environment: str) -> EnvironmentData:
        data = self.targets(self.clock.at)
        return EnvironmentData(environment, environment.title(), self.workloads, data, self.links)

    async def client(self, target: Target) -> Any:
        generation = self.generation

        class Client:
            async def get(self, path: str) -> bytes:
                if isinstance(generation, Exception):
                    raise generation
                return json.dumps({"metadata": {"name": "web", "generation": generation}}).encode()

        return Client()

    def values(self, environment: str | None) -> Mapping[str, str]:
        return self.variables

    async def pin(self, environment: str) -> Sequence[Pin]:
        return self.pins

    async def roll_back(self, environment: str) -> RollbackState:
        if isinstance(self.rolled_back, Exception):
            raise self.rolled_back
        assert self.rolled_back is not None
        return self.rolled_back


def placed(environment: str | None = "staging", **action: Any) -> PlacedAction:
    made_action = Action(**action)
    step = Step(id="step", title="Step", actions=(made_action,))
    phase = Phase(id="phase", title="Phase", environment=environment, steps=(step,))
    return PlacedAction("phase.step.1", phase, step, made_action)


async def ran(
    context: Context, environment: str | None = "staging", **action: Any
) -> tuple[Outcome, list[str]]:
    lines: list[str] = []
    outcome = await run(placed(environment, **action), context, lines.append)
    return outcome, lines


@pytest.fixture
def here(tmp_path: Path) -> Context:
    return Context(folder=tmp_path)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorter patience with processes that do not end."""
    monkeypatch.setattr(process, "_GRACE", 0.3)
    monkeypatch.setattr(process, "_DRAIN", 0.2)


async def eventually(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  (processes tell nobody when they are there)
            await asyncio.sleep(0.01)


def pid_in(path: Path) -> int:
    return int(path.read_text())


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# Commands.


async def test_a_command_tells_both_of_its_outputs(here: Context) -> None:
    outcome, lines = await ran(here, shell="echo one; echo two >&2; printf three")
    assert lines == ["one", "two", "three"]
    assert outcome == Outcome("succeeded", "exit code 0 in 0 s")


async def test_variables_of_the_plan_are_replaced_and_those_of_the_shell_left(here: Context) -> None:
    _, lines = await ran(here, shell='for i in 1 2; do echo "$namespace $i ${version}"; done')
    assert lines == ["shop 1 1.1.0", "shop 2 1.1.0"]


@pytest.mark.parametrize(
    ("command", "options", "outcome"),
    [
        ("exit 3", {}, Outcome("failed", "exit code 3 after 0 s")),
        ("exit 3", {"expect": 3}, Outcome("succeeded", "exit code 3 in 0 s")),
        ("exit 0", {"expect": (3, 4)}, Outcome("failed", "exit code 0 after 0 s")),
        ("kill -TERM $$", {}, Outcome("failed", "ended by signal 15 after 0 s")),
        ("cat", {}, Outcome("succeeded", "exit code 0 in 0 s")),
    ],
)
async def test_how_a_command_ends(
    here: Context, command: str, options: dict[str, Any], outcome: Outcome
) -> None:
    assert (await ran(here, shell=command, **options))[0] == outcome


async def test_a_command_runs_in_its_folder(here: Context, tmp_path: Path) -> None:
    (tmp_path / "charts").mkdir()
    _, lines = await ran(here, shell="pwd", folder="charts")
    assert lines == [str(tmp_path / "charts")]


async def test_a_folder_that_is_missing_is_said_to_be_missing(here: Context) -> None:
    outcome, lines = await ran(here, shell="pwd", folder="nowhere")
    assert outcome.status == "failed"
    assert "nowhere" in lines[0]
    assert "Check `folder`" in lines[0]


async def test_a_command_that_cannot_be_a_command(here: Context) -> None:
    outcome, _ = await ran(here, shell="echo \x00")
    assert outcome.status == "failed"
    assert "null byte" in outcome.summary


async def test_the_command_knows_where_it_acts(here: Context) -> None:
    _, lines = await ran(here, shell="env | grep RELEASECONSOLE_ | grep -v _RUN | sort")
    assert lines == [
        "RELEASECONSOLE_CONTEXT=staging",
        "RELEASECONSOLE_ENVIRONMENT=staging",
        "RELEASECONSOLE_NAMESPACE=shop",
        "RELEASECONSOLE_TARGETS=staging/shop",
        "RELEASECONSOLE_VERSION=1.1.0",
    ]


async def test_the_phases_context_is_the_current_one_and_the_file_is_removed(
    here: Context, tmp_path: Path
) -> None:
    real = tmp_path / "config"
    context = {"name": "staging", "context": {"cluster": "eu", "user": "amira", "namespace": "other"}}
    real.write_text(json.dumps({"contexts": [context], "current-context": "production"}))
    script = 'echo "$KUBECONFIG"; f=${KUBECONFIG%%:*}; cat "$f"; echo; stat -c %a "$f" 2>/dev/null || stat -f %Lp "$f"'
    _, lines = await ran(replace(here, kubeconfig=real), shell=script)
    first, _, rest = lines[0].partition(":")
    assert rest == str(real)
    document = json.loads(lines[1])
    assert document["current-context"] == "staging"
    assert document["contexts"][0]["context"] == {"cluster": "eu", "user": "amira", "namespace": "shop"}
    assert lines[2] == "600"
    assert not os.path.exists(os.path.dirname(first))  # noqa: ASYNC240


async def test_without_an_environment_the_kubeconfig_is_left_alone(here: Context) -> None:
    context = replace(here, environ={**here.environ, "KUBECONFIG": "as-it-was"})
    _, lines = await ran(context, None, shell='echo "$KUBECONFIG"')
    assert lines == ["as-it-was"]


async def test_with_several_targets_it_is_told_which_one_a_command_acts_on(here: Context) -> None:
    two = (TargetData(STAGING), TargetData(Target(context="eu", namespace="shop")))
    _, lines = await ran(replace(here, targets=lambda _: two), shell="echo $RELEASECONSOLE_TARGETS")
    assert "acts on staging/shop, the first of 2" in lines[0]
    assert lines[1] == "staging/shop eu/shop"


async def test_control_characters_are_shown_and_progress_bars_become_lines(here: Context) -> None:
    script = r"""printf '10%%\r20%%\r\n\033[31mred\033[0m \033]0;title\007\n\377\376 bytes\n'"""
    _, lines = await ran(here, shell=script)
    assert lines == ["10%", "20%", "red ␛]0;title␇", "�� bytes"]


async def test_a_flood_arrives_whole_and_in_order(here: Context) -> None:
    outcome, lines = await ran(here, shell="seq 1 60000")
    assert outcome.status == "succeeded"
    assert lines == [str(number) for number in range(1, 60001)]


async def test_a_line_without_end_is_cut_into_pieces(here: Context) -> None:
    _, lines = await ran(here, shell="head -c 1000000 /dev/zero | tr '\\0' x; echo; echo end")
    assert max(map(len, lines)) <= 16_384
    assert "".join(lines) == "x" * 1_000_000 + "end"


def test_lines_split_anywhere_come_out_the_same() -> None:
    data = "grün\r\n東京\rx\n\nlast".encode()
    for cut in range(len(data)):
        lines = Lines()
        pieces = [*lines.feed(data[:cut]), *lines.feed(data[cut:]), *lines.end()]
        assert [piece for piece in pieces if piece] == ["grün", "東京", "x", "last"]


@pytest.mark.usefixtures("hurried")
async def test_a_command_that_outlives_its_time_is_ended_with_its_children(
    here: Context, tmp_path: Path
) -> None:
    script = (
        "trap '' TERM; (trap '' TERM; echo $$ > parent; sleep 60) & sleep 61 & echo $! > child; wait; wait"
    )
    outcome, _ = await ran(here, shell=script, timeout=0.7)
    assert outcome == Outcome("failed", "stopped: not at its end after 0.7 s")
    assert gone(pid_in(tmp_path / "parent"))
    assert gone(pid_in(tmp_path / "child"))


@pytest.mark.usefixtures("hurried")
async def test_cancelling_ends_even_what_has_left_the_session(here: Context, tmp_path: Path) -> None:
    script = (
        "setsid sh -c 'trap \"\" TERM; echo $$ > far; while :; do sleep 0.1; done' & echo $$ > near; wait"
    )
    task = asyncio.create_task(ran(here, shell=script))
    await eventually(lambda: (tmp_path / "far").exists() and (tmp_path / "far").read_text().endswith("\n"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gone(pid_in(tmp_path / "near"))
    assert gone(pid_in(tmp_path / "far"))


@pytest.mark.usefixtures("hurried")
async def test_cancelling_twice_still_ends_the_command(here: Context, tmp_path: Path) -> None:
    task = asyncio.create_task(ran(here, shell="trap '' TERM; echo $$ > near; while :; do sleep 0.1; done"))
    await eventually(lambda: (tmp_path / "near").exists() and (tmp_path / "near").read_text().endswith("\n"))
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gone(pid_in(tmp_path / "near"))


@pytest.mark.usefixtures("hurried")
async def test_a_child_that_holds_the_output_does_not_hold_the_console(here: Context, tmp_path: Path) -> None:
    outcome, lines = await ran(here, shell="sleep 60 & echo $! > left; echo done")
    left = pid_in(tmp_path / "left")
    try:
        assert outcome.status == "succeeded"
        assert lines == ["done", "(something that it started still runs; its output is no longer shown)"]
        assert not gone(left), "what a command leaves running on purpose is left alone"
    finally:
        os.kill(left, signal.SIGKILL)


async def test_output_is_told_while_the_command_runs(here: Context, tmp_path: Path) -> None:
    lines: list[str] = []
    script = "echo early; while [ ! -e go ]; do sleep 0.02; done; echo late"
    task = asyncio.create_task(run(placed(shell=script), here, lines.append))
    await eventually(lambda: lines == ["early"])
    (tmp_path / "go").touch()
    assert (await task).status == "succeeded"
    assert lines == ["early", "late"]


# Requests.


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def _echo(request: web.Request) -> web.StreamResponse:
    match request.path:
        case "/long":
            return web.Response(text="\n".join(["x" * 5000] * 100))
        case "/zipped":
            return web.Response(body=gzip.compress(b"\0" * 10_000_000), headers={"Content-Encoding": "gzip"})
        case "/cookie":
            had = "had" if request.cookies else "none"
            return web.Response(text=had, headers={"Set-Cookie": "session=abc"})
        case "/moved":
            raise web.HTTPFound("/here")
        case "/latin":
            return web.Response(
                body="Größe".encode("latin-1"), headers={"Content-Type": "text/plain; charset=latin-1"}
            )
        case "/escape":
            return web.Response(text="\x1b]0;owned\x07")
        case "/busy":
            return web.Response(status=429, text="slow down")
        case _:
            document = {
                "path": request.path_qs,
                "type": request.headers.get("Content-Type"),
                "auth": request.headers.get("Authorization"),
                "body": await request.text(),
            }
            return web.Response(text="\n".join(f"{key}={value}" for key, value in document.items()))


@pytest.fixture
async def online(tmp_path: Path) -> AsyncIterator[Context]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", _echo)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with httpx.AsyncClient() as client:
        yield Context(folder=tmp_path, http=client, variables={"api": url, "phone": "0100"})
    await runner.cleanup()


async def test_a_request_tells_verb_address_status_and_body(online: Context) -> None:
    outcome, lines = await ran(online, http="POST $api/otp", body='{"phone": "$phone"}')
    assert lines[0] == f"POST {online.variables['api']}/otp"
    assert lines[1] == "200 OK in 0 s"
    assert lines[2:] == ["  path=/otp", "  type=application/json", "  auth=None", '  body={"phone": "0100"}']
    assert outcome == Outcome("succeeded", "200 OK")


@pytest.mark.parametrize(
    ("body", "headers", "content_type"),
    [
        ("a=1", {}, "text/plain; charset=utf-8"),
        ("[1, 2]", {}, "application/json"),
        ("a=1", {"content-type": "application/x-www-form-urlencoded"}, "application/x-www-form-urlencoded"),
        (None, {}, "None"),
    ],
)
async def test_json_says_that_it_is_json(
    online: Context, body: str | None, headers: dict[str, str], content_type: str
) -> None:
    _, lines = await ran(online, http="POST $api/x", body=body, headers=headers)
    assert f"  type={content_type}" in lines


async def test_an_echoed_token_is_not_shown(online: Context) -> None:
    _, lines = await ran(
        online, http="GET $api/x?token=hunter22", headers={"Authorization": "Bearer s3cret-token"}
    )
    assert "  auth=…" in lines
    assert not any("s3cret" in line for line in lines)
    assert "hunter22" not in lines[0]


async def test_the_status_decides(online: Context) -> None:
    outcome, _ = await ran(online, http="GET $api/busy")
    assert outcome == Outcome("failed", "429 Too Many Requests, wanted any 2xx")
    outcome, lines = await ran(online, http="GET $api/busy", expect=429, repeat=3)
    assert outcome.status == "succeeded"
    assert [line[:6] for line in lines[1:4]] == ["1 of 3", "2 of 3", "3 of 3"]
    assert lines[4:] == ["  slow down"], "only the last body is shown"


async def test_a_long_answer_is_bounded(online: Context) -> None:
    _, lines = await ran(online, http="GET $api/long")
    assert max(map(len, lines)) < 1100
    assert lines[-1] == "  (the answer goes on; only its first 64 KB were read)"


async def test_a_compressed_answer_is_not_unpacked(online: Context) -> None:
    _, lines = await ran(online, http="GET $api/zipped")
    assert lines[2].endswith("bytes, compressed)")


async def test_a_redirect_on_the_same_host_is_followed(online: Context) -> None:
    outcome, lines = await ran(online, http="GET $api/moved")
    assert outcome.status == "succeeded"
    assert "  path=/here" in lines
    outcome, _ = await ran(online, http="POST $api/moved", body="{}")
    assert outcome.summary.startswith("302 Found, redirects to http://127.0.0.1")


async def test_no_cookie_is_carried_from_one_request_to_the_next(online: Context) -> None:
    _, lines = await ran(online, http="GET $api/cookie", repeat=2)
    assert lines[-1] == "  none"


async def test_the_answers_own_encoding_and_escapes(online: Context) -> None:
    assert (await ran(online, http="GET $api/latin"))[1][2] == "  Größe"
    assert (await ran(online, http="GET $api/escape"))[1][2] == "  ␛]0;owned␇"


@pytest.mark.parametrize(
    ("request_line", "words"),
    [
        ("GET http://127.0.0.1:1/x", "127.0.0.1:1 refused the connection"),
        ("GET http://amira:hunter22@127.0.0.1:1/x", "127.0.0.1:1 refused the connection"),
        ("GET $nowhere/x", "$nowhere"),
        ("GET $phone/x", "is not an http address"),
        ("GET http://[::1/x", "address"),
    ],
)
async def test_a_request_that_cannot_be_made(online: Context, request_line: str, words: str) -> None:
    outcome, lines = await ran(online, http=request_line)
    assert outcome.status == "failed"
    assert words in outcome.summary
    assert not any("hunter22" in line for line in [*lines, outcome.summary])


async def test_headers_that_no_request_can_have_are_an_error(online: Context) -> None:
    outcome, _ = await ran(online, http="GET $api/x", headers={"X-Bad": "a\nb: c"})
    assert outcome.status == "failed"


# Waiting for a rollout.


def rolling(updated: int, ready: int, *, pods: tuple[Any, ...] = (), **more: Any) -> TargetData:
    """Revision 2 on its way to four pods."""
    status = {
        "replicas": 4 + updated - ready, "updatedReplicas": updated, "availableReplicas": 4,
    }  # fmt: skip
    if (updated, ready) == (4, 4):
        status["replicas"] = 4
    new = {"replicas": updated, "readyReplicas": ready, "availableReplicas": ready}
    return TargetData(
        STAGING,
        deployments=(deployment(NEW, status=status),),
        replica_sets=(replica_set(1, OLD, status={"replicas": 4 - ready}), replica_set(2, NEW, status=new)),
        pods=pods,
        **more,
    )


def after(*steps: tuple[float, TargetData]) -> Callable[[float], tuple[TargetData, ...]]:
    """Data by the seconds since the start."""
    begun: list[float] = []

    def at(now: float) -> tuple[TargetData, ...]:
        begun[:] = begun or [now]
        return (next(data for since, data in reversed(steps) if now - begun[0] >= since),)

    return at


DONE = rolling(4, 4)
BROKEN = rolling(1, 0, pods=(pod("web-2-a", "web-2-uid", status=waiting("ImagePullBackOff", "no such tag")),))


async def test_each_change_of_a_rollout_is_told_once() -> None:
    targets = after((0, rolling(1, 0)), (3, rolling(3, 2)), (6, DONE))
    outcome, lines = await ran(Context(targets=targets), wait="rollout")
    assert lines == [
        "web: 0 of 4 new pods ready, 4 old still there",
        "web: 2 of 4 new pods ready, 2 old still there",
        "web: complete: 4 replicas updated and available",
    ]
    assert outcome == Outcome("succeeded", "1 workload complete in 6 s")


async def test_a_rollout_that_is_failing_is_given_up_after_a_grace() -> None:
    outcome, lines = await ran(Context(targets=after((0, BROKEN))), wait="rollout")
    assert outcome == Outcome("failed", "web failing: web-2-a: ImagePullBackOff: no such tag")
    assert lines == ["web: failing: web-2-a: ImagePullBackOff: no such tag"]


async def test_a_rollout_that_recovers_within_the_grace_goes_on() -> None:
    context = Context(targets=after((0, BROKEN), (25, rolling(2, 1)), (40, BROKEN), (60, DONE)))
    begun = context.clock.at
    outcome, _ = await ran(context, wait="rollout")
    assert outcome.status == "succeeded"
    assert context.clock.at - begun == pytest.approx(60, abs=1)


async def test_a_failed_rollout_is_given_up_at_once() -> None:
    condition = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
                 "message": 'ReplicaSet "web-2" has timed out progressing.'}  # fmt: skip
    failed = replace(rolling(1, 0), deployments=(
        deployment(NEW, status={"updatedReplicas": 1, "conditions": [condition]}),
    ))  # fmt: skip
    context = Context(targets=after((0, failed)))
    begun = context.clock.at
    outcome, _ = await ran(context, wait="rollout")
    assert outcome.status == "failed"
    assert "timed out progressing" in outcome.summary
    assert context.clock.at == begun


async def test_a_wait_has_a_deadline_of_its_own() -> None:
    context = Context(targets=after((0, rolling(3, 2))))
    outcome, _ = await ran(context, wait="rollout", timeout=120)
    assert outcome.status == "failed"
    assert outcome.summary.startswith("not complete after 2 m: web progressing")


async def test_data_from_before_the_change_is_not_taken_for_success() -> None:
    behind = replace(DONE, deployments=(deployment(OLD, metadata={"generation": 3}),))
    ahead = replace(
        DONE, deployments=(deployment(NEW, metadata={"generation": 4}, status={"observedGeneration": 4}),)
    )
    context = Context(targets=after((0, behind), (5, ahead)), generation=4)
    outcome, lines = await ran(context, wait="rollout")
    assert outcome == Outcome("succeeded", "1 workload complete in 5 s")
    assert lines[0] == "web: waiting for news of the change"


async def test_stale_data_is_told_and_waited_out() -> None:
    stale = replace(DONE, stale="no word for 12 s")
    context = Context(targets=after((0, stale), (40, DONE)), generation=Unreachable("no answer in time."))
    outcome, lines = await ran(context, wait="rollout")
    assert outcome == Outcome("succeeded", "1 workload complete in 40 s")
    assert lines[:2] == ["web: no answer in time.", "web: no live data, still waiting: no word for 12 s"]


async def test_a_workload_that_does_not_appear_is_given_up() -> None:
    context = Context(targets=after((0, TargetData(STAGING))), generation=NotFound("no such Deployment."))
    outcome, _ = await ran(context, wait="rollout")
    assert outcome == Outcome("failed", "web does not exist")


async def test_scaled_to_zero_is_no_success() -> None:
    zero = replace(DONE, deployments=(deployment(NEW, spec={"replicas": 0}, status={
        "replicas": 0, "updatedReplicas": 0, "availableReplicas": 0,
    }),))  # fmt: skip
    outcome, _ = await ran(Context(targets=after((0, zero))), wait="rollout")
    assert outcome == Outcome("failed", "web scaled to zero: nothing runs")


async def test_the_grace_is_a_parameter() -> None:
    context = Context(targets=after((0, BROKEN)))
    begun = context.clock.at
    outcome = await wait.wait_rollout(placed(wait="rollout"), context, lambda line: None, grace=5)
    assert outcome.status == "failed"
    assert context.clock.at - begun == pytest.approx(5, abs=0.5)


# The others.


async def test_pins_are_told() -> None:
    one = Pin("staging", "staging", "shop", "deployment/web", "uid", "7", "web-7", "abc", (OLD,))
    outcome, lines = await ran(Context(pins=(one,)), pin="workloads")
    assert lines == ["deployment/web: revision 7, shop/web:1"]
    assert outcome == Outcome("succeeded", "1 workload pinned")


def rolled(outcome: str, stage: Stage, message: str = "") -> RollbackState:
    key = "staging/shop/deployment/web"
    workload = WorkloadRollback(key, stage, from_revision="8", to_revision="7", message=message)
    return RollbackState("r1", "staging", "amira", "burning", 1.0, {key: workload}, outcome=outcome)


async def test_a_rollback_is_the_sessions_and_its_end_is_told() -> None:
    outcome, lines = await ran(Context(rolled_back=rolled("complete", Stage.RECOVERED)), rollback="workloads")
    assert outcome == Outcome("succeeded", "1 workload: complete")
    assert lines[1] == "staging/shop/deployment/web: revision 8 → 7, recovered"
    outcome, lines = await ran(
        Context(rolled_back=rolled("failed", Stage.FAILED, "denied")), rollback="workloads"
    )
    assert outcome == Outcome("failed", "1 workload: failed")
    assert lines[1].endswith("failed: denied")


async def test_what_the_session_refuses_is_an_outcome_with_its_remedy() -> None:
    refused = GateClosed("A rollback is already under way.", "Wait for it.")
    outcome, lines = await ran(Context(rolled_back=refused), rollback="workloads")
    assert outcome == Outcome("failed", "A rollback is already under way.")
    assert lines[-1] == "A rollback is already under way. Wait for it."


async def test_a_table_of_pods() -> None:
    created = "1970-01-12T13:00:00Z"
    data = TargetData(STAGING, pods=(
        pod("web-2-b", status=waiting("ImagePullBackOff"), creationTimestamp=created),
        pod("web-2-a", status=running(restarts=2), creationTimestamp=created),
    ))  # fmt: skip
    outcome, lines = await ran(Context(targets=lambda _: (data,)), get="pods")
    assert lines == [
        "pods of staging/shop",
        "  NAME      READY   STATUS             RESTARTS   AGE",
        "  web-2-a   1/1     Running            2          46m",
        "  web-2-b   0/1     ImagePullBackOff   0          46m",
    ]
    assert outcome == Outcome("succeeded", "2 pods")


async def test_a_table_of_services_that_is_stale_says_so() -> None:
    body = {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}
    data = TargetData(STAGING, stale="no word for 12 s", services=(made(Service, body),))
    outcome, lines = await ran(Context(targets=lambda _: (data,)), get="services")
    assert lines[1] == "  not live: no word for 12 s"
    assert lines[3] == "  web    ClusterIP   80/TCP   0"
    assert outcome == Outcome("failed", "1 service, but the data is stale")


async def test_a_link_is_printed_where_there_is_no_display() -> None:
    context = Context(links={"Grafana": "https://grafana.example/$namespace"})
    outcome, lines = await ran(context, open="Grafana")
    assert lines == ["https://grafana.example/shop"]
    assert outcome.status == "succeeded"
    assert (await ran(context, open="Kibana"))[0] == Outcome(
        "failed", "staging has no link Kibana; it has Grafana"
    )


async def test_a_link_that_is_no_web_address_is_not_opened() -> None:
    outcome, _ = await ran(Context(links={"x": "file:///etc/passwd"}, environ={"DISPLAY": ":0"}), open="x")
    assert outcome.status == "failed"


@pytest.fixture
def desktop(tmp_path: Path) -> Context:
    opener = tmp_path / "xdg-open"
    opener.write_text(f'#!/bin/sh\nprintf %s "$1" > "{tmp_path}/opened"\n')
    opener.chmod(0o700)
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "DISPLAY": ":0"}
    return Context(environ=environ, links={"x": "https://grafana.example/?a=$(touch x)&b='\""})


async def test_a_link_is_opened_where_there_is_a_display(
    desktop: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    outcome, _ = await ran(desktop, open="x")
    assert outcome == Outcome("succeeded", "opened in the browser")
    await eventually(lambda: (tmp_path / "opened").exists() and (tmp_path / "opened").read_text() != "")
    assert (tmp_path / "opened").read_text() == "https://grafana.example/?a=$(touch x)&b='\""


@pytest.mark.parametrize("action", [{"apply": "k8s/"}, {"wait": "rollout"}, {"pin": "workloads"}, {"get": "pods"},
                                    {"logs": "deployment/web"}, {"rollback": "workloads"}, {"open": "x"}])  # fmt: skip
async def test_an_action_that_needs_an_environment_says_so(action: dict[str, str]) -> None:
    outcome, lines = await ran(Context(), None, **action)
    assert outcome.status == "failed"
    assert "does not say where to act" in outcome.summary
    assert "Name an environment" in lines[-1]


async def test_a_fault_of_our_own_is_an_outcome_too() -> None:
    def broken(_: float) -> tuple[TargetData, ...]:
        raise RuntimeError("a \x1b[31mbug")

    outcome, lines = await ran(Context(targets=broken), get="pods")
    assert outcome == Outcome("failed", "the action itself failed: RuntimeError")
    assert "a bug" in lines[0]
    assert "test_actions.py" in lines[0]
