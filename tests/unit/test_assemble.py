"""From cached objects to the rows of the panels."""

from __future__ import annotations

from cluster_objects import deployment, made, pod, replica_set, running, waiting

from releaseconsole.cluster.objects import Event
from releaseconsole.session.assemble import (
    MOST_PROBLEMS,
    Family,
    PodRows,
    Snapshot,
    families,
    workload_view,
)
from releaseconsole.session.eventrows import MOST_EVENTS, event_views
from releaseconsole.session.views import WorkloadView

WEB = "deployment/web"


def rolling(*pods: object) -> Family:
    """A Deployment on its way from revision 1 to 2."""
    snapshot = Snapshot(
        deployments={"web": deployment("shop/web:2", status={"updatedReplicas": 2})},
        replica_sets=(replica_set(1, "shop/web:1"), replica_set(2, "shop/web:2")),
        pods=tuple(pods),  # type: ignore[arg-type]
    )
    (family,) = families(snapshot, (WEB,))
    return family


def viewed(family: Family, **how: object) -> WorkloadView:
    options = {"pinned": False, "previous": None, "problem": "", **how}
    return workload_view("production/shop", family, **options)  # type: ignore[arg-type]


def test_pods_belong_to_the_workload_that_owns_their_replica_set() -> None:
    family = rolling(pod("a", "web-1-uid"), pod("b", "web-2-uid"), pod("stranger", "other-uid"))
    assert [one.metadata.name for one in family.pods] == ["a", "b"]
    assert family.newest is not None
    assert family.newest.metadata.name == "web-2"


def test_a_row_counts_ready_new_pods_and_old_ones_that_are_left() -> None:
    view = viewed(
        rolling(
            pod("old", "web-1-uid"),
            pod("old-going", "web-1-uid", deletionTimestamp="2026-01-01T00:00:00Z"),
            pod("new", "web-2-uid"),
            pod("new-starting", "web-2-uid", status=running(ready=False)),
        )
    )
    assert (view.key, view.state, view.image) == (
        "production/shop/deployment/web",
        "progressing",
        "shop/web:2",
    )
    assert (view.desired, view.ready, view.old, view.revision) == (4, 1, 1, "2")


def test_pods_of_the_new_version_that_cannot_work_are_named_but_not_without_end() -> None:
    broken = [
        pod(f"new-{n}", "web-2-uid", status=waiting("ImagePullBackOff", "no such image")) for n in range(9)
    ]
    view = viewed(rolling(pod("old", "web-1-uid", status=waiting("CrashLoopBackOff")), *broken))
    assert view.state == "failing"
    assert len(view.problems) == MOST_PROBLEMS
    assert all("ImagePullBackOff" in problem for problem in view.problems)


def test_a_workload_that_is_not_there_is_missing_and_not_fine() -> None:
    (family,) = families(Snapshot(), (WEB,))
    view = viewed(family, problem="there is nothing to roll back")
    assert (view.state, view.desired, view.image, view.rollback_ready) == ("missing", 0, "", False)
    assert "deployment/web" in view.message


def test_an_unknown_kind_is_missing_too() -> None:
    (family,) = families(Snapshot(deployments={"web": deployment()}), ("rollout/web",))
    assert viewed(family).state == "missing"


def test_words_from_the_cluster_cannot_move_the_cursor() -> None:
    status = waiting("ImagePullBackOff", "\x1b[2Jgone\u202e")
    view = viewed(rolling(pod("new", "web-2-uid", status=status)))
    assert view.problems
    assert "\x1b" not in view.problems[0]
    assert "\u202e" not in view.problems[0]


def test_a_pod_that_did_not_change_keeps_its_row() -> None:
    rows, old, new = PodRows(), pod("old", "web-1-uid"), pod("new", "web-2-uid")
    first = rows.of("production/shop", [rolling(old, new)])
    again = rows.of("production/shop", [rolling(old, pod("new", "web-2-uid", status=running(restarts=3)))])
    assert [(row.name, row.revision) for row in first] == [("old", "old"), ("new", "new")]
    assert again[0] is first[0]
    assert (again[1].restarts, first[1].restarts) == (3, 0)


def test_a_pod_row_says_what_kubectl_says() -> None:
    (row,) = PodRows().of(
        "production/shop", [rolling(pod("new", "web-2-uid", status=waiting("CrashLoopBackOff")))]
    )
    assert (row.status, row.healthy, row.workload) == ("CrashLoopBackOff", False, "web")


def test_the_newest_events_come_first_and_the_rest_is_left_out() -> None:
    events = [
        made(
            Event,
            {
                "metadata": {"name": f"e{n}", "uid": f"e{n}"},
                "lastTimestamp": f"2026-01-01T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}Z",
                "type": "Warning" if n % 2 else "Normal",
                "reason": "BackOff",
                "message": "restarting\x1b[2J",
                "involvedObject": {"kind": "Pod", "name": "web-1"},
            },
        )
        for n in range(MOST_EVENTS + 50)
    ]
    views = event_views(events)
    assert len(views) == MOST_EVENTS
    assert (views[0].uid, views[0].object, views[0].warning) == (f"e{MOST_EVENTS + 49}", "pod/web-1", True)
    assert "\x1b" not in views[0].message
