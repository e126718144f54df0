"""What can be set about the control endpoint."""

from __future__ import annotations

from typing import Any

from memlyze.errors import OptionError

LEAST_TOKEN_CHARACTERS = 16
_LEAST_DISTINCT_CHARACTERS = 8
_ADVICE = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"


def control_options(path: Any, token: Any) -> tuple[str, str]:
    """Both, validated. Raises OptionError; the message never shows the token."""
    if not isinstance(path, str) or (path and not path.startswith("/")) or path == "/":
        raise OptionError(
            f'control_path must be a path such as "/memlyze", or "" for none, not {path!r}'
        )
    if not isinstance(token, str):
        raise OptionError(f"control_token must be a text; {_ADVICE}")
    if not path:
        if token:
            raise OptionError("control_token is of no use without control_path; set both")
        return "", ""
    is_printable = token.isascii() and token.isprintable() and " " not in token
    is_long = len(token) >= LEAST_TOKEN_CHARACTERS and len(set(token)) >= _LEAST_DISTINCT_CHARACTERS
    if not is_printable or not is_long:
        raise OptionError(
            f"control_path needs a control_token of {LEAST_TOKEN_CHARACTERS} characters and more, "
            f"that nobody can guess, without spaces; {_ADVICE}"
        )
    return path.rstrip("/"), token
