"""memlyze in the frameworks that people use: one module a framework.

The folder lies at the top of the repository and is installed as ``memlyze.integrations``. It must
never be on ``sys.path`` itself, where its ``flask.py`` would hide Flask; inside it, imports are
relative.
"""

from __future__ import annotations
