"""The whole table."""

from __future__ import annotations

from conformance import (
    access,
    applies,
    daemons,
    logs,
    ordered,
    patches,
    reads,
    rollouts,
    scaling,
    watches,
    writes,
)
from conformance.table import Row, Theme

THEMES: tuple[Theme, ...] = (
    reads.THEME, watches.THEME, writes.THEME, patches.THEME, applies.THEME,
    access.THEME, scaling.THEME, logs.THEME, rollouts.THEME,
    ordered.THEME, daemons.THEME,
)  # fmt: skip
ROWS: tuple[Row, ...] = tuple(row for theme in THEMES for row in theme.rows)
