"""``python -m releaseconsole``."""

from releaseconsole.cli import main

main()
