"""Refusals of the API server, in its own words: every one is a ``Status`` object."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from releaseconsole.sandbox.store.kinds import Kind, Obj


class StoreError(Exception):
    """A refusal that becomes a ``Status``: HTTP code, reason, sentence and details."""

    def __init__(self, status: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.details: dict[str, Any] = details or {}
        #: What is said in the metadata of the ``Status``.
        self.metadata: dict[str, Any] = {}
        #: Whether the ``Status`` has details, be they empty.
        self.detailed = details is not None

    def body(self) -> Obj:
        """The ``Status`` object."""
        body: Obj = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.status,
        }
        if self.detailed:
            body["details"] = self.details
        if not self.reason:
            del body["reason"]
        return body


def details(row: Kind, name: str) -> dict[str, Any]:
    """Which object a ``Status`` speaks of."""
    found = {"name": name, "group": row.group, "kind": row.plural}
    return {key: value for key, value in found.items() if value}


def not_found(row: Kind, name: str) -> StoreError:
    """404: no such object."""
    return StoreError(404, "NotFound", f'{row.group_resource} "{name}" not found', details(row, name))


def already_exists(row: Kind, name: str) -> StoreError:
    """409: the name is taken."""
    message = f'{row.group_resource} "{name}" already exists'
    return StoreError(409, "AlreadyExists", message, details(row, name))


def conflict(row: Kind, name: str) -> StoreError:
    """409: the resourceVersion that was expected is no longer the current one."""
    message = (
        f'Operation cannot be fulfilled on {row.group_resource} "{name}": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    return StoreError(409, "Conflict", message, details(row, name))


def uid_conflict(row: Kind, place: tuple[str, str], wanted: str, found: str) -> StoreError:
    """409: the object is another one of the same name."""
    key = "/".join(part for part in ("/registry", row.plural, *place) if part)
    message = (
        f'Operation cannot be fulfilled on {row.group_resource} "{place[1]}": StorageError: invalid object, '
        f"Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: "
        f"UID in precondition: {wanted}, UID in object meta: {found}"
    )
    return StoreError(409, "Conflict", message, details(row, place[1]))


def delete_conflict(row: Kind, name: str, what: str, wanted: str, found: str) -> StoreError:
    """409: a precondition of a DELETE does not hold; ``what`` is ``UID`` or ``ResourceVersion``."""
    message = (
        f'Operation cannot be fulfilled on {row.kind}{"." + row.group if row.group else ""} "{name}": '
        f"the {what} in the precondition ({wanted}) does not match the {what} in record ({found}). "
        f"The object might have been {'deleted and then recreated' if what == 'UID' else 'modified'}"
    )
    return StoreError(409, "Conflict", message, details(row, name))


def invalid(row: Kind, name: str, causes: Iterable[tuple[str, str, str]]) -> StoreError:
    """422: each cause is (field, reason, sentence)."""
    listed = [{"reason": reason, "message": message, "field": field} for field, reason, message in causes]
    said = [f"{cause['field']}: {cause['message']}" for cause in listed]
    text = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
    head = f'{row.kind}.{row.group} "{name}"' if row.group else f'{row.kind} "{name}"'
    about = {"name": name, "group": row.group, "kind": row.kind, "causes": listed}
    about = {key: value for key, value in about.items() if value}
    return StoreError(422, "Invalid", f"{head} is invalid: {text}", about)


def expired(asked: int, oldest: int) -> StoreError:
    """410: the version is older than the history that is kept."""
    return StoreError(410, "Expired", f"too old resource version: {asked} ({oldest})")


def bad_request(message: str) -> StoreError:
    """400."""
    return StoreError(400, "BadRequest", message)


def not_allowed() -> StoreError:
    """405."""
    message = "the server does not allow this method on the requested resource"
    return StoreError(405, "MethodNotAllowed", message, {})


def no_such_path() -> StoreError:
    """404: nothing is served there."""
    return StoreError(404, "NotFound", "the server could not find the requested resource", {})
