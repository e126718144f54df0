"""`memlyze serve`: the server, the routes that `openapi.json` describes, and the built pages in
`static/`.

a request ──> security ──> app ──> requests ──> worker ──> routes ──> analyses
                                      └── answers that were given before
"""

from __future__ import annotations
