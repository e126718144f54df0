"""The control endpoint: start and stop the recording of a running service, by HTTP.

It is off unless a path and a token are set, and answers nobody without the token. It speaks for the
process that the request has reached: of several workers, one.
"""

from __future__ import annotations

import hmac
import json
import os
from typing import Any, NamedTuple

from memlyze.checkpoints import checkpoint
from memlyze.errors import MemlyzeError
from memlyze.tracer import active_tracer

from ._options import IntegrationOptions
from ._recording import ChangingError, Recording, log


class Answer(NamedTuple):
    """What the endpoint answers."""

    status: int
    reason: str
    body: bytes
    headers: list[tuple[str, str]]


class Control:
    """The endpoint of an application."""

    def __init__(self, path: str, token: str, recording: Recording) -> None:
        self._path = path
        self._token = token.encode()
        self._recording = recording

    @classmethod
    def of(cls, options: IntegrationOptions, recording: Recording) -> Control | None:
        """The endpoint that the options ask for; None: they ask for none."""
        if not options.control_path:
            return None
        return cls(options.control_path, options.control_token, recording)

    def is_for(self, path: str) -> bool:
        """Whether a request for this path is one for the endpoint."""
        return path == self._path or path.startswith(self._path + "/")

    def answer(self, method: str, path: str, authorization: str) -> Answer:
        """Do what is asked, and say what was done. `authorization`: the header, empty if none."""
        scheme, _, given = authorization.partition(" ")
        is_known = hmac.compare_digest(given.strip().encode(errors="replace"), self._token)
        if scheme.lower() != "bearer" or not is_known:
            return _answer(
                401,
                {"error": "this needs the header: Authorization: Bearer <the control_token>"},
                ("WWW-Authenticate", "Bearer"),
            )
        action = path[len(self._path) + 1 :]
        if action not in ("", "start", "stop", "checkpoint"):
            known = ", ".join(f"{self._path}/{name}" for name in ("start", "stop", "checkpoint"))
            return _answer(404, {"error": f"there is GET {self._path}, and POST to {known}"})
        wanted = ("POST",) if action else ("GET", "HEAD")
        if method not in wanted:
            error = f"{path} is asked by {wanted[0]}, not {method}"
            return _answer(405, {"error": error}, ("Allow", ", ".join(wanted)))
        try:
            status, done = getattr(self, "_" + (action or "status"))()
        except ChangingError as error:
            status, done = 409, {"error": str(error)}
        except MemlyzeError as error:
            return _answer(500, {"error": str(error), **self._state()})
        return _answer(status, {**done, **self._state()})

    def _status(self) -> tuple[int, dict[str, Any]]:
        return 200, {}

    def _start(self) -> tuple[int, dict[str, Any]]:
        path = self._recording.start()
        return 200, {"did": "nothing: it is recording" if path is None else "started"}

    def _stop(self) -> tuple[int, dict[str, Any]]:
        path = self._recording.stop()
        if path is not None:
            return 200, {"did": "stopped", "finished_trace": path}
        if self._recording.is_of_the_program:
            error = "this recording was started by the program, or by memlyze record: end it there"
            return 409, {"error": error}
        return 200, {"did": "nothing: it is not recording"}

    def _checkpoint(self) -> tuple[int, dict[str, Any]]:
        taken = checkpoint()
        if taken is None:
            return 409, {"error": "no checkpoint: nothing is recorded, or references are off"}
        return 200, {
            "did": "took a checkpoint",
            "objects": taken.objects,
            "references": taken.references,
            "pause_ms": round(taken.pause_ns / 1e6, 1),
        }

    def _state(self) -> dict[str, Any]:
        tracer = active_tracer()
        return {
            "recording": tracer is not None,
            "trace": tracer.output_file if tracer is not None else None,
            "process_id": os.getpid(),
        }


def _answer(status: int, content: dict[str, Any], *headers: tuple[str, str]) -> Answer:
    reasons = {200: "OK", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed"}
    reasons.update({409: "Conflict", 500: "Internal Server Error"})
    body = json.dumps(content).encode() + b"\n"
    if status != 401 and "did" in content:
        log.info("the control endpoint was asked, and %s", content["did"])
    listed = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    return Answer(status, reasons[status], body, [*listed, ("Cache-Control", "no-store"), *headers])
