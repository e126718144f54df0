"""The setting `MEMLYZE`."""

from __future__ import annotations

from typing import Any

from memlyze.errors import OptionError

from .._frameworks import framework
from .._options import DEFAULT_OUTPUT_FILE, IntegrationOptions, integration_options

SETTING = "MEMLYZE"


def options_from_settings() -> IntegrationOptions:
    """The options in the site's settings, whose keys are in capitals. Raises OptionError."""
    given = given_settings()
    try:
        return integration_options({key.lower(): value for key, value in given.items()})
    except OptionError as error:
        raise OptionError(f"in the setting {SETTING} {error}") from None


def given_settings() -> dict[str, Any]:
    """The setting as it stands. Raises OptionError where it is no dictionary with such keys."""
    settings: Any = framework("django.conf", "django", "Django").settings
    given = getattr(settings, SETTING, {})
    if not isinstance(given, dict) or not all(isinstance(key, str) for key in given):
        raise OptionError(
            f"the setting {SETTING} must be a dictionary, such as {{'SAMPLE_RATE': 0.01}}, "
            f"not {given!r}"
        )
    for key in given:
        if not key.isupper():
            raise OptionError(f"in the setting {SETTING} keys are in capitals: {key.upper()}")
    return given


def url_module() -> Any:
    """The name of the module with the site's URLs; None where there is none."""
    settings: Any = framework("django.conf", "django", "Django").settings
    return getattr(settings, "ROOT_URLCONF", None)


def output_pattern() -> str:
    """The traces that the site writes, as a pattern for `glob`: those of its children too."""
    import glob
    import os

    try:
        output_file = options_from_settings().trace.output_file
    except OptionError:
        output_file = DEFAULT_OUTPUT_FILE
    parts = [glob.escape(part) for part in os.path.abspath(output_file).split("{pid}")]
    root, extension = os.path.splitext("*".join(parts))
    return f"{root}*{extension}"
