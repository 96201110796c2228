"""The practice Prometheus: its HTTP API over the traffic model of one context."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from releaseconsole.clock import Clock
from releaseconsole.sandbox.prometheus import queries
from releaseconsole.sandbox.prometheus.alerting import alerts, rules
from releaseconsole.sandbox.release.manifests import NAMESPACE, SERVICES
from releaseconsole.sandbox.release.traffic import BUCKETS, Traffic
from releaseconsole.sandbox.store.objects import parse_time, rfc3339_nano

_MOST_POINTS = 11_000
_POINTS_AT_A_TIME = 100
_DURATION = re.compile(r"(\d+)(ms|s|m|h|d|w|y)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
_NAMESPACE = re.compile(r'namespace="([^"]*)"')
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*(?=\{|$)|(?<=__name__=\")[^\"]+")
_HISTOGRAM = "http_request_duration_seconds_bucket"
_RETENTION = 15 * 86400.0
_METRICS = (
    "container_cpu_usage_seconds_total",
    "container_memory_working_set_bytes",
    "container_spec_memory_limit_bytes",
    _HISTOGRAM,
    "http_requests_total",
    "kube_pod_container_resource_limits",
    "pg_settings_max_connections",
    "pg_stat_activity_count",
    "probe_success",
    "sms_delivered_total",
    "sms_sent_total",
    "up",
)


class BadData(Exception):
    """A request that Prometheus answers with 400."""


class Prometheus:
    """Handlers over one context's traffic."""

    def __init__(self, traffic: Traffic, context: str, clock: Clock) -> None:
        self._traffic = traffic
        self._context = context
        self._clock = clock

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application(middlewares=[_bad_data_as_json], client_max_size=2**20)
        app.router.add_get("/", self._home)
        for path, words in (("ready", "Ready"), ("healthy", "Healthy")):
            app.router.add_get(f"/-/{path}", _plain(f"Prometheus Server is {words}.\n"))
        for method in ("GET", "POST"):
            app.router.add_route(method, "/api/v1/query", self._query)
            app.router.add_route(method, "/api/v1/query_range", self._query_range)
            app.router.add_route(method, "/api/v1/labels", self._labels)
        app.router.add_get("/api/v1/label/{name}/values", self._label_values)
        app.router.add_get("/api/v1/rules", self._rules)
        app.router.add_get("/api/v1/alerts", self._alerts)
        app.router.add_get("/api/v1/targets", self._targets)
        app.router.add_get("/api/v1/status/buildinfo", self._build)
        return app

    async def _home(self, _: web.Request) -> web.Response:
        return web.Response(text=f"The practice cluster's Prometheus of {self._context}.\n")

    async def _query(self, request: web.Request) -> web.Response:
        fields = await _fields(request)
        query = _known(fields)
        now = self._clock.now()
        at = _time(fields, "time", now)
        vector = query.at(self._traffic, at) if self._covers(at, now) else []
        result = [{"metric": dict(labels), "value": [at, _number(value)]} for labels, value in vector]
        return _success({"resultType": "vector", "result": result})

    async def _query_range(self, request: web.Request) -> web.Response:
        fields = await _fields(request)
        query = _known(fields)
        start, end = _time(fields, "start", None), _time(fields, "end", None)
        step = _step(fields)
        if end < start:
            raise BadData('invalid parameter "end": end timestamp must not be before start time')
        if (end - start) / step > _MOST_POINTS:
            raise BadData(
                "exceeded maximum resolution of 11,000 points per timeseries. "
                "Try decreasing the query resolution (?step=XX)"
            )
        return _success({"resultType": "matrix", "result": await self._matrix(query, start, end, step)})

    async def _matrix(
        self, query: queries.Query, start: float, end: float, step: float
    ) -> list[dict[str, Any]]:
        now = self._clock.now()
        series: dict[tuple[tuple[str, str], ...], list[list[Any]]] = {}
        for index in range(int((end - start) / step) + 1):
            if index % _POINTS_AT_A_TIME == _POINTS_AT_A_TIME - 1:
                await asyncio.sleep(0)
            at = start + index * step
            for labels, value in query.at(self._traffic, at) if self._covers(at, now) else ():
                series.setdefault(tuple(sorted(labels.items())), []).append([at, _number(value)])
        return [{"metric": dict(labels), "values": values} for labels, values in series.items()]

    def _covers(self, at: float, now: float) -> bool:
        """Whether there are samples: not from the future, nor from before what is retained."""
        return now - _RETENTION <= at <= now + 5.0

    async def _rules(self, _: web.Request) -> web.Response:
        return _success(rules(self._traffic, self._clock.now()))

    async def _alerts(self, _: web.Request) -> web.Response:
        return _success({"alerts": alerts(self._traffic, self._clock.now())})

    async def _targets(self, _: web.Request) -> web.Response:
        now = self._clock.now()
        active = [
            self._target(queries.target_labels(pod.name, pod.service, pod.address), pod.running, now)
            for pod in self._traffic.timeline.at(now).pods
            if pod.address
        ]
        return _success({"activeTargets": active, "droppedTargets": [], "droppedTargetCounts": {}})

    def _target(self, labels: dict[str, str], running: bool, now: float) -> dict[str, Any]:
        url = f"http://{labels['instance']}/metrics"
        refused = f'Get "{url}": dial tcp {labels["instance"]}: connect: connection refused'
        return {
            "discoveredLabels": {"__address__": labels["instance"], "__metrics_path__": "/metrics"},
            "labels": labels,
            "scrapePool": labels["job"],
            "scrapeUrl": url,
            "globalUrl": url,
            "lastError": "" if running else refused,
            "lastScrape": rfc3339_nano(now - now % 5),
            "lastScrapeDuration": 0.004,
            "health": "up" if running else "down",
            "scrapeInterval": "5s",
            "scrapeTimeout": "4s",
        }

    async def _build(self, _: web.Request) -> web.Response:
        build = {
            "version": "3.5.0",
            "revision": "practice",
            "branch": "HEAD",
            "buildUser": "",
            "goVersion": "",
        }
        return _success({**build, "buildDate": ""})

    async def _labels(self, _: web.Request) -> web.Response:
        return _success(["__name__", "code", "instance", "job", "le", "namespace", "pod", "service"])

    async def _label_values(self, request: web.Request) -> web.Response:
        names = list(filter(_selected(request.query.getall("match[]", [])), _METRICS))
        pods = self._traffic.timeline.latest.pods
        values: Mapping[str, list[str]] = {
            "__name__": names,
            "le": [f"{bound:g}" for bound in BUCKETS] + ["+Inf"] if _HISTOGRAM in names else [],
            "namespace": [NAMESPACE],
            "job": sorted(SERVICES),
            "service": sorted(SERVICES),
            "pod": sorted(pod.name for pod in pods),
        }
        return _success(values.get(request.match_info["name"], []) if names else [])


def _selected(selectors: list[str]) -> Callable[[str], bool]:
    """Whether a metric is among what is asked for, by its name and namespace; other labels are not looked at."""
    namespaces = [set(_NAMESPACE.findall(text)) for text in selectors]
    wanted = {
        name
        for text, asked in zip(selectors, namespaces, strict=True)
        if asked <= {NAMESPACE}
        for name in _NAME.findall(text)[:1]
    }
    return lambda metric: not selectors or metric in wanted


def _plain(text: str) -> Any:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(text=text)

    return handler


@web.middleware
async def _bad_data_as_json(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        response: web.StreamResponse = await handler(request)
    except BadData as problem:
        body = {"status": "error", "errorType": "bad_data", "error": str(problem)}
        return web.json_response(body, status=400)
    return response


async def _fields(request: web.Request) -> dict[str, str]:
    fields = dict(request.query)
    if request.method == "POST":
        form = await request.post()
        fields.update({name: value for name, value in form.items() if isinstance(value, str)})
    return fields


def _known(fields: Mapping[str, str]) -> queries.Query:
    text = fields.get("query", "")
    if not text.strip():
        raise BadData(
            'invalid parameter "query": unknown position: parse error: no expression found in input'
        )
    try:
        query = queries.find(text)
    except ValueError as problem:
        raise BadData(f'invalid parameter "query": {problem}') from None
    if query is None:
        shown = text if len(text) <= 200 else text[:199] + "…"
        raise BadData(
            f"the practice cluster knows only the sample plan's queries; this is none of them: {shown}"
        )
    return query


def _time(fields: Mapping[str, str], name: str, default: float | None) -> float:
    text = fields.get(name, "")
    if not text and default is not None:
        return default
    try:
        found = float(text)
    except ValueError:
        found = _moment(text, name)
    if not math.isfinite(found) or abs(found) > 1e12:
        raise _cannot_parse(name, text, "a valid timestamp")
    return found


def _moment(text: str, name: str) -> float:
    try:
        return parse_time(text)
    except ValueError:
        raise _cannot_parse(name, text, "a valid timestamp") from None


def _step(fields: Mapping[str, str]) -> float:
    text = fields.get("step", "")
    try:
        step = float(text)
    except ValueError:
        step = _duration(text)
    if not math.isfinite(step):
        raise _cannot_parse("step", text, "a valid duration")
    if step <= 0:
        raise BadData(
            'invalid parameter "step": zero or negative query resolution step widths are not accepted. '
            "Try a positive integer"
        )
    return step


def _duration(text: str) -> float:
    parts = _DURATION.findall(text)
    if not parts or "".join(digits + unit for digits, unit in parts) != text or len(text) > 40:
        raise _cannot_parse("step", text, "a valid duration")
    return float(sum(int(digits) * _SECONDS[unit] for digits, unit in parts))


def _cannot_parse(name: str, text: str, wanted: str) -> BadData:
    return BadData(f'invalid parameter "{name}": cannot parse "{text[:80]}" to {wanted}')


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _success(data: Any) -> web.Response:
    return web.json_response({"status": "success", "data": data})
