"""How a change that comes as a document meets an object: the four patch types, without a store.

``patch`` chooses by content type and does JSON and merge patches; ``strategic_merge`` and
``server_side_apply`` have their rules of lists from ``shapes``; ``fieldset`` says which manager owns which
field.

Knows ``store`` only (objects, kinds, refusals); imported by ``api``.
"""
