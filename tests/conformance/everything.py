"""The whole table."""

from __future__ import annotations

from conformance import (
    access,
    applies,
    changes,
    creations,
    daemons,
    deletions,
    documents,
    endings,
    histories,
    logs,
    ordered,
    patches,
    pauses,
    reads,
    rollouts,
    scaling,
    tables,
    watches,
    writes,
)
from conformance.table import Row, Theme

THEMES: tuple[Theme, ...] = (
    reads.THEME, tables.THEME, watches.THEME,
    writes.THEME, creations.THEME, changes.THEME, patches.THEME, applies.THEME, deletions.THEME, endings.THEME,
    access.THEME, documents.THEME, scaling.THEME, logs.THEME,
    rollouts.THEME, pauses.THEME, histories.THEME, ordered.THEME, daemons.THEME,
)  # fmt: skip
ROWS: tuple[Row, ...] = tuple(row for theme in THEMES for row in theme.rows)
