"""From range queries to the lines of a chart, and from ReplicaSets to patterns of pods."""

from __future__ import annotations

import math
import re

import pytest
from cluster_objects import deployment, made, replica_set

from releaseconsole.cluster.objects import StatefulSet
from releaseconsole.metrics.answers import RangeSeries
from releaseconsole.session.assemble import Family
from releaseconsole.session.chart_lines import Grid, grid, one_line, worst_lines
from releaseconsole.session.revisions import revisions, tag

NOW = 1_795_000_000.7
DAY = 86_400.0


def series(name: str, *values: float, start: float = 0.0) -> RangeSeries:
    return RangeSeries({"pod": name}, tuple((start + 10 * n, value) for n, value in enumerate(values)))


def shown(values: tuple[tuple[float, float], ...]) -> list[float | None]:
    return [None if math.isnan(value) else value for _, value in values]


@pytest.mark.parametrize(
    ("seconds", "points", "step"),
    [(600, 300, 2), (3600, 240, 15), (DAY, 290, 300), (DAY, 100, 900), (60, 1500, 1)],
)
def test_the_step_is_round_and_the_points_fit(seconds: float, points: int, step: float) -> None:
    found = grid(NOW, seconds, points)
    assert found.step == step
    assert found.count <= points + 1
    assert NOW - 1 <= found.end <= NOW
    assert found.end - found.start >= seconds


def test_a_month_in_ten_points_takes_whole_days() -> None:
    assert grid(NOW, 30 * DAY, 10).step == 3 * DAY


def test_what_was_not_measured_is_a_gap_and_what_lies_outside_is_left_out() -> None:
    hostile = RangeSeries({}, ((0.0, 1.0), (20.0, 3.0), (1e300, 4.0), (math.nan, 5.0), (-90.0, 6.0)))
    (line,) = one_line([hostile], None, Grid(0.0, 10.0, 4), "all pods", "all")
    assert shown(line.samples) == [1.0, None, 3.0, None]


@pytest.mark.parametrize(
    ("across", "values"),
    [("max", [2, 9, 6]), ("min", [1, 9, 5]), ("sum", [3, 9, 11]), ("avg", [1.5, 9, 5.5]), (None, None)],
)
def test_several_series_are_made_into_one_as_the_plan_says(
    across: str | None, values: list[float] | None
) -> None:
    found = [series("a", 1, math.nan, 5), series("b", 2, 9, 6)]
    lines = one_line(found, across, Grid(0.0, 10.0, 3), "all pods", "all")  # type: ignore[arg-type]
    assert [shown(line.samples) for line in lines] == ([values] if values else [])


@pytest.mark.parametrize(
    ("low_is_bad", "worst", "nearest"), [(False, [2, 20], "pod=p9"), (True, [1, 0], "pod=p0")]
)
def test_the_worst_is_shown_with_the_five_series_that_come_nearest(
    low_is_bad: bool, worst: list[float], nearest: str
) -> None:
    found = [series(f"p{n}", 1 + n / 9, 20 * n / 9) for n in range(10)]
    lines = worst_lines(found, Grid(0.0, 10.0, 2), low_is_bad=low_is_bad)
    assert lines[0].name == "the worst"
    assert shown(lines[0].samples) == worst
    assert len(lines) == 6
    assert lines[1].name == nearest


def test_nothing_gives_no_line() -> None:
    assert worst_lines([], Grid(0.0, 10.0, 2), low_is_bad=False) == ()


def family(*older: str, newest: str = "shop/web:2.0", name: str = "web") -> Family:
    sets = [replica_set(n, image, name=f"{name}-old{n}") for n, image in enumerate(older, start=1)]
    sets.append(replica_set(len(older) + 1, newest, name=f"{name}-new"))
    return Family("deployment/web", deployment(newest), tuple(sets), ())


def test_pods_of_the_newest_replica_set_are_new_and_all_others_old() -> None:
    found = revisions([family("shop/web:1.0", "shop/web:1.5")])
    assert found.new
    assert found.old
    assert re.fullmatch(found.new.pods, "web-new-x2k9p")
    assert not re.fullmatch(found.new.pods, "web-old2-x2k9p")
    for gone in ("web-old1-aaaaa", "web-old2-bbbbb"):
        assert re.fullmatch(found.old.pods, gone)
    assert (found.new.tags, found.old.tags) == ("2.0", "1.5 and older")


def test_without_an_older_replica_set_there_is_no_old_side() -> None:
    assert revisions([family()]).old is None


def test_a_pattern_stands_in_a_query_without_backslashes_and_a_dot_is_a_dot() -> None:
    new = revisions([family(name="web.v1")]).new
    assert new
    assert "\\" not in new.pods
    assert re.fullmatch(new.pods, "web.v1-new-x2k9p")
    assert not re.fullmatch(new.pods, "webxv1-new-x2k9p")


def test_pods_of_a_very_long_name_are_found_where_the_api_server_cuts_it() -> None:
    long = "w" * 59
    new = revisions([family(name=long)]).new
    assert new
    assert re.fullmatch(new.pods, f"{long[:58]}x2k9p")


def test_pods_of_a_stateful_set_do_not_tell_their_revision() -> None:
    stateful = Family("statefulset/db", made(StatefulSet, {"metadata": {"name": "db", "uid": "s"}}), (), ())
    found = revisions([stateful])
    assert (found.new, found.old, found.apart) == (None, None, ("statefulset/db",))


@pytest.mark.parametrize(
    ("image", "told"),
    [
        ("registry.example:5000/pay:1.1.0", "1.1.0"),
        ("registry.example:5000/pay", "latest"),
        ("pay@sha256:0123456789abcdef", "sha256:01234567"),
        ("pay:1\x1b[2J", "1␛[2J"),
    ],
)
def test_an_image_is_named_by_its_tag(image: str, told: str) -> None:
    assert tag(image) == told
