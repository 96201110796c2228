"""What ``kubectl get`` prints: each kind's columns, and a row for each object.

``table`` puts an answer together from ``pods``, ``workloads`` and ``surroundings`` (everything around
those); ``cells`` has what their rows share.

Knows ``store`` only (objects and kinds); imported by ``api``.
"""
