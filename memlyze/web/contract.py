"""`openapi.json`: what a request may ask. Parameters are read by it, so that the two cannot
drift apart.
"""

from __future__ import annotations

import functools
import json
import os
import typing

from memlyze.web.failures import BadRequestError

Values = typing.Dict[str, typing.Any]

_PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "openapi.json")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
#: As a parameter may ask for any: what does not fit into 64 bits is no time, size or number.
_GREATEST = (1 << 63) - 1


@functools.lru_cache(maxsize=None)
def document() -> dict[str, typing.Any]:
    """The whole description."""
    with open(_PATH, encoding="utf-8") as file:
        found: dict[str, typing.Any] = json.load(file)
    return found


@functools.lru_cache(maxsize=None)
def parameters_of(path: str, method: str = "get") -> dict[str, dict[str, typing.Any]]:
    """The query parameters of an operation, by name."""
    shared = document()["components"]["parameters"]
    found = {}
    for parameter in document()["paths"][path][method].get("parameters", ()):
        if "$ref" in parameter:
            parameter = shared[parameter["$ref"].rsplit("/", 1)[-1]]
        if parameter["in"] == "query":
            found[parameter["name"]] = parameter
    return found


def read_parameters(
    path: str, given: typing.Iterable[tuple[str, str]], method: str = "get"
) -> Values:
    """The values of all query parameters of an operation: as given, by default, or None.

    Raises BadRequestError for one that is unknown, missing, of the wrong type or out of range.
    """
    specified = parameters_of(path, method)
    values: Values = {
        name: parameter["schema"].get("default") for name, parameter in specified.items()
    }
    for name, text in given:
        if name not in specified:
            known = ", ".join(specified) or "none"
            raise BadRequestError(f"there is no parameter {name!r}; the parameters are {known}")
        values[name] = _parse(name, text, specified[name]["schema"])
    for name, parameter in specified.items():
        if parameter.get("required") and values[name] is None:
            raise BadRequestError(f"the parameter {name!r} is missing: {parameter['description']}")
    return values


def _parse(name: str, text: str, schema: typing.Mapping[str, typing.Any]) -> typing.Any:
    if schema["type"] == "integer":
        return _integer(name, text, schema)
    if schema["type"] == "boolean":
        if text not in _FLAGS:
            raise BadRequestError(f"{name} is true or false, not {text!r}")
        return _FLAGS[text]
    if "enum" in schema and text not in schema["enum"]:
        raise BadRequestError(f"{name} is one of {', '.join(schema['enum'])}, not {text!r}")
    return text


def _integer(name: str, text: str, schema: typing.Mapping[str, typing.Any]) -> int:
    least, most = schema.get("minimum", -_GREATEST), schema.get("maximum", _GREATEST)
    try:
        value = int(text)
    except ValueError:
        raise BadRequestError(f"{name} is a whole number, not {text!r}") from None
    if not least <= value <= most:
        raise BadRequestError(f"{name} is from {least} to {most}, not {value}")
    return value
