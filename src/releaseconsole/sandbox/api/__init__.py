"""The API server of one context, over HTTP.

A request comes in at ``server``, ``dispatch`` takes it through ``access``, ``faults`` and ``route`` to its
handler: ``reads``, ``watching``, ``writes``, ``scaling`` and ``logs`` for resources, ``discovery`` and
``openapi`` for the rest. ``call`` is a request as the handlers see it; ``protobuf`` and the ``faces`` in
``events_v1`` and ``autoscaling_v1`` are other forms of the same objects; ``tls`` and ``kubeconfig`` are what
a client needs to come in.

Knows ``store``, ``patches`` and ``tables``, but neither the controllers nor the release: any client could
be practised on it. Imported by ``practice`` only.
"""
