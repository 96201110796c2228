"""Kubernetes: what runs, what changes, and the few writes that the console makes.

Reads go over raw requests into typed structs of just the fields used; see ``connect`` for the reasons.
"""
