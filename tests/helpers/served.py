"""Runs `memlyze serve` as a user does, and asks it as a page does."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator, NamedTuple

import httpx
import jsonschema
from command_line import clean_environment
from web_pages import need_pages

import memlyze.web

CONTRACT = json.loads(
    (Path(memlyze.web.__file__).parent / "openapi.json").read_text(encoding="utf-8")
)


class Served(NamedTuple):
    """A running server."""

    url: str
    """Where it is, without the token."""
    token: str
    client: httpx.Client
    """Has the cookie."""
    process: subprocess.Popen[str]

    def get(self, path: str, **parameters: object) -> Any:
        """What a GET of /api/… answers, which keeps to the contract."""
        response = self.client.get("/api/" + path, params=parameters)  # type: ignore[arg-type]
        assert response.status_code == 200, response.text
        found = response.json()
        check(_operation(path), found)
        return found

    def refusal(self, path: str, **parameters: object) -> tuple[int, str]:
        """The status and the words with which a GET of /api/… is refused."""
        response = self.client.get("/api/" + path, params=parameters)  # type: ignore[arg-type]
        assert response.status_code >= 400, response.text
        check_schema({"$ref": "#/components/schemas/Error"}, response.json())
        return response.status_code, response.json()["error"]


@contextlib.contextmanager
def serving(*arguments: object) -> Iterator[Served]:
    """`memlyze serve` with arguments, until the block ends."""
    need_pages()
    process = subprocess.Popen(
        [sys.executable, "-m", "memlyze", "serve", "--no-browser", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
        cwd=Path(sys.executable).parent,  # where no source tree is
    )
    assert process.stdout is not None and process.stderr is not None
    try:
        told = process.stdout.readline()
        match = re.search(r"(http://\S+)/\?token=(\S+)", told)
        assert match is not None, told + process.stderr.read()
        url, token = match.groups()
        with httpx.Client(base_url=url, timeout=60) as client:
            client.get("/", params={"token": token}, follow_redirects=True).raise_for_status()
            yield Served(url, token, client, process)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def check(path: str, answer: object, method: str = "get", status: str = "200") -> None:
    """Hold an answer against the contract."""
    response = CONTRACT["paths"][path][method]["responses"][status]
    check_schema(response["content"]["application/json"]["schema"], answer)


def check_schema(schema: dict[str, Any], value: object) -> None:
    """Hold a value against a schema of the contract; no object has more than it names."""
    strict = _without_more(CONTRACT["components"])
    jsonschema.validate(value, {**_without_more(schema), "components": strict})


def _without_more(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_more(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _without_more(part) for name, part in schema.items()}
    if "properties" in found and found.get("type") in ("object", ["object", "null"]):
        found.setdefault("additionalProperties", False)
    return found


def _operation(path: str) -> str:
    if "/api/" + path in CONTRACT["paths"]:
        return "/api/" + path
    return re.sub(r"/\d+$", "/{window_id}", "/api/" + path)
