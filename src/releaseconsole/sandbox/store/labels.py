"""What the keys and values of labels may be, in the API server's words."""

from __future__ import annotations

import re

from releaseconsole.sandbox.store.kinds import Obj

_NAME = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_PREFIX = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_KEY = re.compile(rf"({_PREFIX}/)?({_NAME})")
_LONGEST = 63
_FIELD = "metadata.labels"
_ALPHANUMERIC = (
    "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
_BAD_KEY = (
    f"name part must consist of {_ALPHANUMERIC} (e.g. 'MyName',  or 'my.name',  or '123-abc', "
    f"regex used for validation is '{_NAME}')"
)
_BAD_VALUE = (
    f"a valid label must be an empty string or consist of {_ALPHANUMERIC} (e.g. 'MyValue',  or 'my_value',  "
    f"or '12345', regex used for validation is '({_NAME})?')"
)


def label_problems(obj: Obj) -> list[tuple[str, str, str]]:
    """Every label that cannot be: field, reason and sentence."""
    found = []
    for key, value in (obj["metadata"].get("labels") or {}).items():
        if not _KEY.fullmatch(key) or len(key.rpartition("/")[2]) > _LONGEST:
            found.append((_FIELD, "FieldValueInvalid", f'Invalid value: "{key[:253]}": {_BAD_KEY}'))
        if len(value) > _LONGEST:
            found.append((_FIELD, "FieldValueTooLong", f"Too long: may not be more than {_LONGEST} bytes"))
        elif value and not re.fullmatch(_NAME, value):
            found.append((_FIELD, "FieldValueInvalid", f'Invalid value: "{value[:253]}": {_BAD_VALUE}'))
    return found
