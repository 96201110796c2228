"""The log file: what went wrong inside, for whoever mends it; never for a screen."""

from __future__ import annotations

import logging
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path

from releaseconsole.errors import RecordError
from releaseconsole.paths import make_private_folder, state_dir

MOST_BYTES = 1_000_000


class _Quiet(RotatingFileHandler):
    """A full disk must not make the log draw its own troubles over the console."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Nothing: the entry is lost."""


def log_path() -> Path:
    """Where it is, or would be."""
    return state_dir() / "releaseconsole.log"


def log_to_file() -> Path | None:
    """Send the program's log to its file; None, and the log goes nowhere, when there can be no such file."""
    handler = _handler()
    if handler is None:
        logging.getLogger("releaseconsole").addHandler(logging.NullHandler())
        return None
    logging.getLogger("releaseconsole").addHandler(handler)
    return log_path()


def keep_defect(error: BaseException) -> Path | None:
    """Write where ``error`` came from into the log file; returns that file, None when it cannot be written."""
    handler = _handler()
    if handler is None:
        return None
    words = "".join(traceback.format_exception(error))
    handler.handle(logging.makeLogRecord({"name": "releaseconsole", "levelno": logging.ERROR,
                                          "levelname": "ERROR", "msg": "a defect\n%s", "args": (words,)}))  # fmt: skip
    handler.close()
    return log_path()


def _handler() -> logging.Handler | None:
    try:
        make_private_folder(log_path().parent)
        handler = _Quiet(log_path(), maxBytes=MOST_BYTES, backupCount=1, encoding="utf-8")
    except (OSError, RecordError):
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    return handler
