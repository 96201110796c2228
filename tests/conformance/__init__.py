"""What a Kubernetes API server says and does, asked of the practice cluster and of a real control plane.

``table`` says what a row is, ``ground`` is what it stands on; the rows are in a module for each theme, and
``everything`` is their list. ``test_practice`` and ``test_real`` run all of them.
"""
