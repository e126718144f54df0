"""The command line: `main` dispatches, and each command is a file that it imports when asked
for.
"""

from __future__ import annotations
