"""Whether a Prometheus scrapes the release's pods at all, and whether its rules can be read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from releaseconsole.errors import MetricsError, NoSuchApi
from releaseconsole.metrics.aim import Found, Outlook, Scene, found
from releaseconsole.metrics.lookup import Lookup, Target, together
from releaseconsole.text import duration, plural, visible


async def examine_server(lookup: Lookup, scene: Scene) -> list[Found]:
    """Its targets and its rules. Raises MetricsError when it does not answer at all."""
    targets, rules = await together((_targets(lookup, scene), _rules(lookup)))
    return [*targets, *rules]


async def _targets(lookup: Lookup, scene: Scene) -> list[Found]:
    try:
        targets = await lookup.targets()
    except NoSuchApi:
        sentence = (
            f"{lookup.server} does not tell what it scrapes: whether it sees the release's pods is not known."
        )
        return [found(lookup.server, Outlook.WARNING, sentence)]
    ours = of_release(targets, scene.namespace, scene.pods)
    if not ours:
        return [_none(lookup.server, scene, len(targets))]
    down = [one for one in ours if not one.healthy]
    if not down:
        every = max((one.interval for one in ours if one.interval), default=0.0)
        often = f" every {duration(every)}" if every else ""
        scraped = f"{lookup.server} scrapes {plural(len(ours), 'target')} of the release{often}"
        return [found(lookup.server, Outlook.OK, scraped)]
    error = next((one.error for one in down if one.error), "no reason given")
    return [
        found(
            lookup.server,
            Outlook.FAILED if len(down) == len(ours) else Outlook.WARNING,
            f"{len(down)} of {plural(len(ours), 'target')} of the release cannot be scraped: {visible(error)}.",
            "Their samples are missing in every query: mend the endpoint, or the scrape's configuration.",
        )
    ]


def _none(server: str, scene: Scene, count: int) -> Found:
    return found(
        server, Outlook.WARNING,
        f"None of the {plural(count, 'target')} of {server} is a pod of the release in namespace {scene.namespace}.",
        "Check that its scrape configuration finds them; before a first deploy there are none.",
    )  # fmt: skip


def of_release(targets: Iterable[Target], namespace: str, pods: str) -> Sequence[Target]:
    """Those with the namespace and a pod's name among their labels, whatever these labels are called."""
    try:
        pod = re.compile(pods)
    except re.error:
        return []
    return [
        one
        for one in targets
        if namespace in (values := one.labels.values()) and any(map(pod.fullmatch, values))
    ]


async def _rules(lookup: Lookup) -> list[Found]:
    try:
        await lookup.rules()
    except NoSuchApi:
        return [
            found(
                lookup.server,
                Outlook.WARNING,
                f"{lookup.server} has no rules to read: its alerts are not seen.",
            )
        ]
    except MetricsError as error:
        return [found(lookup.server, Outlook.UNKNOWN, error.message, error.remedy)]
    return []
