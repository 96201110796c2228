"""Importing large libraries in threads, one thread at a time.

Several of them share packages with circular imports (``requests``, ``urllib3``). Two threads that import these
at once break each other's deadlock by handing out a half-made module.
"""

from __future__ import annotations

import threading
from typing import Final

ONE_AT_A_TIME: Final = threading.Lock()
