"""The controllers of one context: each looks at the store, and makes it a little more as wished.

``deployment`` (with ``revisions``, ``rolling`` and ``progress``), ``replicaset``, ``statefulset`` (with
``ordinals``), ``daemonset`` (with ``daemons`` and ``nodes``), ``endpoints`` and ``autoscaler`` are as in the
real cluster; ``history`` keeps the ControllerRevisions, ``claims`` tells what belongs to whom and
``readiness`` judges pods. ``kubelet`` is scheduler and nodes in one, with a pod's ``life``, and writes the
release's timeline and runs. ``events`` records what they did, ``stamps`` tells whether there is anything to
do, ``tools`` is what all of them use.

Knows ``store`` and the model of ``release``, never HTTP; imported by ``world`` only.
"""
