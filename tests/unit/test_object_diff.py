"""What changes from one state of an object to the next, in lines that a person can read."""

from __future__ import annotations

import copy
from typing import Any

from releaseconsole.cluster.object_diff import MOST_LINES, comparable, object_diff, replaced


def deployment() -> dict[str, Any]:
    containers = [
        {"name": "api", "image": "shop/api:1", "env": [{"name": "LEVEL", "value": "info"}]},
        {"name": "proxy", "image": "shop/proxy:1"},
    ]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "api", "labels": {"app": "api"}},
        "spec": {"replicas": 3, "template": {"spec": {"containers": containers}}},
    }


def changed(*path: str | int, to: Any) -> dict[str, Any]:
    """The Deployment with one value replaced."""
    made = copy.deepcopy(deployment())
    at: Any = made
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = to
    return made


def test_a_change_stands_under_the_path_of_what_it_is_about() -> None:
    new = changed("spec", "template", "spec", "containers", 1, "image", to="shop/proxy:2")
    lines = object_diff(deployment(), new)
    assert lines[0] == "@@ spec.template.spec.containers[proxy] @@"
    assert [line.replace(" ", "") for line in lines if line[0] in "+-"] == [
        "--image:shop/proxy:1",
        "+-image:shop/proxy:2",
    ]


def test_changes_far_apart_have_a_part_of_their_own_each() -> None:
    new = changed("metadata", "labels", to={"app": "api", "tier": "web"})
    new["spec"]["template"]["spec"]["containers"][1]["image"] = "shop/proxy:2"
    heads = [line for line in object_diff(deployment(), new) if line.startswith("@@")]
    assert heads == ["@@ metadata.labels @@", "@@ spec.template.spec.containers[proxy] @@"]


def test_what_changes_with_every_write_is_left_out() -> None:
    noisy = deployment()
    noisy["status"] = {"replicas": 3}
    noisy["metadata"] |= {
        "uid": "u", "resourceVersion": "7", "generation": 4, "managedFields": [{}], "creationTimestamp": "t",
    }  # fmt: skip
    assert comparable(noisy) == deployment()
    assert object_diff(noisy, deployment()) == ()


def test_a_new_object_is_shown_whole() -> None:
    lines = object_diff(None, deployment())
    assert all(line.startswith("+") for line in lines)
    assert "+kind: Deployment" in lines


def test_a_file_in_a_config_map_is_compared_line_by_line() -> None:
    old, new = ({"kind": "ConfigMap", "data": {"app.conf": f"a\nb={n}\nc\n"}} for n in (1, 2))
    assert object_diff(old, new) == (
        "@@ data.app.conf @@",
        "   app.conf: |",
        "     a",
        "-    b=1",
        "+    b=2",
        "     c",
        " kind: ConfigMap",
    )


def test_of_a_long_line_the_part_that_differs_is_shown() -> None:
    old, new = ({"data": {"key": "x" * 5_000 + end}} for end in ("old", "new"))
    lines = object_diff(old, new)
    assert all(len(line) <= 401 for line in lines)
    assert next(line for line in lines if line.startswith("-")).endswith("xold")
    assert next(line for line in lines if line.startswith("+")).endswith("xnew")


def test_a_diff_is_bounded_and_says_how_much_was_left_out() -> None:
    new = {"data": {f"key-{n:05}": "v" for n in range(3_000)}}
    lines = object_diff({"data": {}}, new)
    assert len(lines) == MOST_LINES + 1
    assert "more lines" in lines[-1]
    assert "2,6" in lines[-1]


def test_two_states_that_have_nothing_in_common_are_not_compared_for_ever() -> None:
    old, new = ({"data": {f"{side}{n}": "v" for n in range(20_000)}} for side in ("a", "b"))
    assert object_diff(old, new) == ("@@ too much differs to be shown: 20,001 lines before, 20,001 after @@",)


def test_hostile_text_moves_no_cursor_and_turns_nothing_round() -> None:
    new = changed("metadata", "labels", to={"app": "\x1b[31mred\u202e\x07", "k\x1b]0;x\x07": "v"})
    text = "\n".join(object_diff(deployment(), new))
    assert not set(text) & set("\x1b\x07\u202e\r")


def test_what_would_be_overwritten_is_found_whatever_is_added() -> None:
    new = changed("spec", "replicas", to=5)
    assert list(replaced(deployment(), new)) == [(".spec.replicas", 3)]
    new["metadata"]["annotations"] = {"added-by-a-webhook": "at 12:00"}
    new["spec"]["template"]["spec"]["containers"].append({"name": "more"})
    assert list(replaced(deployment(), new)) == [(".spec.replicas", 3)]
    del new["spec"]["template"]["spec"]["containers"][1]["image"]
    assert (".spec.template.spec.containers[1].image", "shop/proxy:1") in list(replaced(deployment(), new))
