"""Where the practice cluster is not as the real one, on purpose. Everywhere else the practice cluster is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

#: Name of a row → why the two differ.
KNOWN_DIFFERENCES: Mapping[str, str] = MappingProxyType(
    {
        "applies-fields_of_a_created_deployment": (
            "Which maps a plain update brought along is marked by the API server's whole schema, "
            "and only matters to a manager that gives up a map as a whole."
        ),
        "logs-a_container_without_an_earlier_run": (
            "In the tests the kubelet's log is kwok's, which has no earlier runs; "
            "the practice cluster has the sentence of the real kubelet."
        ),
        "logs-a_container_whose_image_is_absent": (
            "In the tests the kubelet's log is kwok's, which reads a file whatever the container's state; "
            "the practice cluster has the sentence of the real kubelet."
        ),
    }
)
MOST = 9
