"""Can this plan work from here? Asked of every cluster, Prometheus and file that it names, before it matters.

Each examination gives findings and changes nothing. What is examined is a table in ``examine``.
"""
