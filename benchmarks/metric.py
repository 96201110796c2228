"""An objective's row as the metrics panel has it, for what draws it."""

from __future__ import annotations

from releaseconsole.session.views import MetricView

ERROR_RATE = MetricView(
    id="error-rate",
    title="Error rate",
    unit="%",
    value=0.4,
    target="< 0.1",
    target_value=0.1,
    meets_target=False,
    trigger="> 1 for 60s",
    trigger_value=1.0,
    state="OK",
    reason="",
    held=0.0,
    hold=60.0,
    history=(),
    seen=0.0,
)
