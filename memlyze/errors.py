"""The errors that memlyze raises on purpose.

Each message is one line for the person who reads it: it names the thing, the cause and the next
step.
"""

from __future__ import annotations


class MemlyzeError(Exception):
    """Something that the user can put right; the command line prints it without a traceback."""
