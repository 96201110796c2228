"""What is in the practice cluster: its objects, their kinds and versions, and what an object has to be.

``store`` keeps and versions the objects, ``changelog`` is the history that watches follow, ``kinds`` the
registry, ``refusals`` how anything is refused. ``defaults``, ``skeletons``, ``fieldnames`` and ``validate``
are the rules of a single object, ``selectors`` finds some of many, ``log_source`` is the door to the
containers' logs. Small tools: ``objects`` for plain JSON and its times, ``chance`` for what has to be
random and yet the same every time.

The lowest room: it imports no other room of the practice cluster, and all of them may import it.
"""
