"""The queries of the sample plan as text: what the practice Prometheus knows, judges by, and is asked.

Nothing but text, so that the workspace's stand-ins start at once.
"""

from __future__ import annotations

from releaseconsole.sandbox.release.manifests import NAMESPACE

_IN = f'namespace="{NAMESPACE}"'


def _share(part: str, whole: str) -> str:
    """``part`` in percent of ``whole``."""
    return f"100 * {part} / {whole}"


def _latency(quantile: float) -> str:
    """In milliseconds."""
    buckets = f"sum by (le) (rate(http_request_duration_seconds_bucket{{{_IN}}}[1m]))"
    return f"1000 * histogram_quantile({quantile}, {buckets})"


REQUESTS = f"sum(rate(http_requests_total{{{_IN}}}[1m]))"
ERROR_RATE = _share(f'sum(rate(http_requests_total{{{_IN},code=~"5.."}}[1m]))', REQUESTS)
LATENCY_P99 = _latency(0.99)
LATENCY_P95 = _latency(0.95)
MEMORY = _share(
    f'max(container_memory_working_set_bytes{{{_IN},container!=""}}',
    f'container_spec_memory_limit_bytes{{{_IN},container!=""}})',
)
CPU = _share(
    f'sum(rate(container_cpu_usage_seconds_total{{{_IN},container!=""}}[1m]))',
    f'sum(kube_pod_container_resource_limits{{{_IN},resource="cpu"}})',
)
UPTIME = f"100 * avg_over_time(avg(probe_success{{{_IN}}})[1h:1m])"
SMS = _share(f"sum(rate(sms_delivered_total{{{_IN}}}[5m]))", f"sum(rate(sms_sent_total{{{_IN}}}[5m]))")
CONNECTIONS = _share(f"sum(pg_stat_activity_count{{{_IN}}})", f"sum(pg_settings_max_connections{{{_IN}}})")
UP = f"up{{{_IN}}}"
SUM_UP = f"sum({UP})"
