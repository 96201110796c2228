"""What is happening: the one object that the screen, the command line and the tests drive."""

from releaseconsole.session.core import Session
from releaseconsole.session.opening import open_session

__all__ = ["Session", "open_session"]
