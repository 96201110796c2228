"""The HealthPay release that runs in the practice cluster, and everything it does.

``manifests`` says what it consists of. ``timeline`` (which pods there were) and ``runs`` (of their
containers) are written by the kubelet; ``traffic`` follows from them, and from it the logs (``loglines``,
``podlogs``) and the answers of the release's own API (``healthpay``), so that all of them agree.

Knows ``store`` (objects, chance, the door for logs) and ``scenario``; imported by ``controllers``,
``prometheus`` and the modules above the rooms.
"""
