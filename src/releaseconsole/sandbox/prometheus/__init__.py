"""The practice Prometheus of one context: HTTP over the release's traffic, without a PromQL engine.

``expressions`` are the texts it knows, ``queries`` what each of them gives, ``alerting`` the rules it
judges, ``server`` the API over them.

Knows ``release``, and the times of ``store``; imported by ``practice`` (and the texts by the workspace's
stand-ins).
"""
