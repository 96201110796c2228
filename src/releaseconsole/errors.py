"""Every error a user can meet, each with its remedy.

::

    ReleaseConsoleError
    ├── UsageError                 wrong use of a command                        exit 2
    ├── PlanError                  the plan cannot be used (holds all problems)  exit 2
    ├── RecordError                the journal or its folder cannot be used      exit 2
    │   ├── JournalDamaged         a changed or missing entry in the middle
    │   ├── JournalMismatch        the journal belongs to another plan
    │   └── JournalBusy            another process writes it
    ├── ClusterError               the Kubernetes API could not be used          exit 3
    │   ├── KubeconfigError        file, context or credentials                  exit 2
    │   ├── Unreachable            no answer in time
    │   ├── Denied                 401 or 403
    │   │   └── SignInRefused      401: the credentials themselves
    │   ├── NotFound               404, or no such workload
    │   ├── Conflict               409, or a precondition that did not hold
    │   ├── Gone                   410, the watch has to list again
    │   ├── OtherCluster           a context leads elsewhere than before
    │   └── ApiRejected            any other refusal of the API server
    ├── MetricsError               Prometheus gave no usable answer              exit 3
    │   ├── QueryRefused           it answers, and will not evaluate the query
    │   └── NoSuchApi              404: nothing is served at that path
    ├── ActionError                an action could not be started                exit 1
    ├── GateClosed                 an intent that the release's state forbids    exit 1
    └── ReadOnly                   a writing intent in a read-only console       exit 2
"""

from __future__ import annotations

from typing import ClassVar, Protocol


class Fault(Protocol):
    """One line to mend, such as :class:`releaseconsole.plan.problem.Problem`; people read its ``str()``."""

    def as_dict(self) -> dict[str, object]:
        """What ``--json`` prints."""
        ...


class ReleaseConsoleError(Exception):
    """What went wrong, in a sentence, and what to do about it, in another."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}" if self.remedy else self.message


class UsageError(ReleaseConsoleError):
    """A command was used in a way that cannot work."""

    exit_code = 2


class PlanError(ReleaseConsoleError):
    """A plan that cannot be used; ``problems`` holds every line that has to be mended."""

    exit_code = 2

    def __init__(self, message: str, remedy: str = "", problems: tuple[Fault, ...] = ()) -> None:
        super().__init__(message, remedy)
        self.problems = problems


class RecordError(ReleaseConsoleError):
    """The journal, or the folder it lives in, cannot be used."""

    exit_code = 2


class JournalDamaged(RecordError):
    """An entry in the middle of the journal was changed, removed or reordered."""


class JournalMismatch(RecordError):
    """The journal was written for another release."""


class JournalBusy(RecordError):
    """Another process is writing this journal."""


class ClusterError(ReleaseConsoleError):
    """The Kubernetes API could not be used."""

    exit_code = 3


class KubeconfigError(ClusterError):
    """The kubeconfig, a context in it, or its credentials are not usable."""

    exit_code = 2


class Unreachable(ClusterError):
    """The API server gave no answer in time."""


class Denied(ClusterError):
    """The API server refused the credentials (401) or the verb (403)."""


class SignInRefused(Denied):
    """The API server does not accept the credentials (401)."""


class NotFound(ClusterError):
    """The object does not exist."""


class Conflict(ClusterError):
    """Somebody else changed the object first (409, or 422 from a ``test`` of a JSON patch).

    ``causes`` is what the API server names: pairs of a field's path and what is said of it.
    """

    def __init__(self, message: str, remedy: str = "", causes: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message, remedy)
        self.causes = causes


class Gone(ClusterError):
    """The resource version is too old to continue from (410)."""


class OtherCluster(ClusterError):
    """A context leads to another cluster than before, and nobody has confirmed that."""


class ApiRejected(ClusterError):
    """The API server refused a request; ``status`` and ``reason`` are its own words.

    ``retry_after`` is how many seconds it asked to wait before the next try, 0 when it did not say.
    """

    def __init__(
        self, message: str, remedy: str = "", status: int = 0, reason: str = "", retry_after: float = 0.0
    ) -> None:
        super().__init__(message, remedy)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after


class MetricsError(ReleaseConsoleError):
    """Prometheus gave no usable answer."""

    exit_code = 3


class QueryRefused(MetricsError):
    """Prometheus answers, and will not evaluate the query."""


class NoSuchApi(MetricsError):
    """Nothing is served at that path."""


class ActionError(ReleaseConsoleError):
    """An action could not be started or has failed."""


class GateClosed(ReleaseConsoleError):
    """The state of the release forbids what was asked for."""


class ReadOnly(ReleaseConsoleError):
    """A console that was started read-only was asked to write."""

    exit_code = 2
