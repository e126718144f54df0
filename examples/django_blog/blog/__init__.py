"""A blog with three habits: a cache that is bounded, an export that spikes, and a leak.

- ``GET /articles/<number>/`` renders a page, and keeps up to 300 of them in Django's cache.
- ``GET /export/`` builds the whole blog as CSV in memory and forgets it.
- ``POST /comments/`` connects a receiver to a signal to notify the author, for each comment anew
  and with ``weak=False``. Nobody disconnects it, and it keeps its comment alive: that is the leak.

    pip install ".[django]" gunicorn
    gunicorn --pythonpath examples/django_blog blog.wsgi

docs/walkthrough.md finds all three.
"""

from __future__ import annotations
