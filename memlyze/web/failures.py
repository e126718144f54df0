"""What can go wrong while a request is answered, and how it is said."""

from __future__ import annotations

from memlyze.errors import MemlyzeError, QueryError, TraceError

#: By convention: the client has closed the request.
CANCELLED_STATUS = 499


class RequestError(MemlyzeError):
    """A request that cannot be answered."""

    status = 500
    kind = "internal"


class BadRequestError(RequestError):
    """A parameter is wrong."""

    status, kind = 400, "bad_request"


class UnauthorizedError(RequestError):
    """No token and no cookie."""

    status, kind = 401, "unauthorized"


class ForbiddenError(RequestError):
    """From another page, or by another name of this host."""

    status, kind = 403, "forbidden"


class NotFoundError(RequestError):
    """There is no such trace, window, query or page."""

    status, kind = 404, "not_found"


class GoneError(RequestError):
    """It was here before."""

    status, kind = 410, "gone"


class CancelledError(RequestError):
    """Nobody waits for the answer any more, or somebody cancelled it."""

    status, kind = CANCELLED_STATUS, "cancelled"


class QueryFailedError(RequestError):
    """A query of the console is wrong."""

    status, kind = 400, "query"


class TooSlowError(RequestError):
    """A query took longer than it may."""

    status, kind = 408, "query"


class TooGreatError(RequestError):
    """A query needed more memory than it may, or a request was too long."""

    status, kind = 413, "query"


def status_and_kind(error: MemlyzeError) -> tuple[int, str]:
    """How an error of memlyze is answered."""
    if isinstance(error, RequestError):
        return error.status, error.kind
    if isinstance(error, QueryError):
        return 400, "query"
    if isinstance(error, TraceError):
        return 422, "trace"
    return 400, "bad_request"
