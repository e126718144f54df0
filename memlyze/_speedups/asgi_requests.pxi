# Part of `_tracer.pyx`: what `integrations/asgi.py` does for every connection.

def answer_of_asgi(scope, send):
    """Open the window of a connection, and enter it.

    Returns what the application is to send its answer through, None: it gets no window, because
    nothing is recorded, another middleware has opened one, or it is neither http nor a websocket.
    """
    if not ml_session:
        return None
    kind = scope["type"]
    cdef bint is_websocket = kind != "http"
    if is_websocket and kind != "websocket" or WINDOW_KEY in scope:
        return None
    cdef RequestWindow window = RequestWindow(kind, item_of(scope, "method", ""))
    cdef AnswerOfAsgi answer = AnswerOfAsgi.__new__(AnswerOfAsgi)
    scope[WINDOW_KEY] = window
    answer.window = window
    answer.scope = scope
    answer.send = send
    answer.is_whole = answer.is_websocket = is_websocket
    answer.outside = window.enter()
    return answer


cdef class AnswerOfAsgi:
    """What an ASGI application sends its answer to one request through: `await answer(message)`.

    Attributes:
        window: of the request; it learns the status and when the first byte was sent.
        is_websocket: whether it is one, and no request.
        is_whole: whether the last piece of the body was sent.
    """

    cdef readonly RequestWindow window
    cdef object scope
    cdef object send
    cdef object outside
    cdef readonly bint is_websocket
    cdef readonly bint is_whole
    cdef bint has_failed

    def __call__(self, message):
        kind = message["type"]
        if kind == "http.response.body":
            self.window.first_byte()
            if not item_of(message, "more_body", False):
                self.is_whole = True
        elif kind == "http.response.start" or kind == "websocket.http.response.start":
            self.window.status = message["status"]
        elif kind == "websocket.accept":
            self.window.first_byte()
        elif kind == "websocket.close":
            if not self.has_begun():
                self.window.status = 403  # that is how the server refuses it
            elif self.window.status == 0:  # otherwise the client has closed it
                self.window.status = item_of(message, "code", 1000)
        elif kind == "http.response.pathsend":
            self.window.first_byte()
            self.is_whole = True
        return self.send(message)

    def failed(self, error):
        """The application has raised instead of going on."""
        self.has_failed = True
        self.window.attributes["exception"] = type(error).__name__
        if self.window.status == 0 and isinstance(error, Exception):
            # That is what is answered from outside then, and it is whole.
            self.window.status = 1011 if self.is_websocket and self.has_begun() else 500
            self.is_whole = True

    cdef bint has_begun(self):
        """Whether anything but a head was sent; of a websocket, whether it was accepted."""
        return self.window.first_byte_after_ns >= 0

    def end(self, KnownRoutes known, name):
        """The application is done with it. `name(scope)` is asked where `known` has no route."""
        if self.window.status == 0 and not self.has_failed and not self.has_begun():
            self.window.status = 500  # as servers answer one that returns without an answer
        if not self.is_whole:
            self.window.attributes["incomplete"] = True
        self.window.leave(self.outside)
        route = known.of(self.scope)
        self.window.close(name(self.scope) if route is None else route)


cdef class KnownRoutes:
    """The routes of endpoints that hang at one place, as far as they were looked up.

    Routes may be added later: after so many names it is time to look anew (`is_old`).
    """

    cdef dict routes
    cdef int names_left

    def __cinit__(self):
        self.routes = {}
        self.names_left = 0

    @property
    def is_old(self):
        """Whether all are to be looked up anew."""
        return self.names_left <= 0

    def renew(self, int names):
        """Forget them all, and be old after so many names."""
        self.routes.clear()
        self.names_left = names

    def remember(self, endpoint, str route not None):
        """The route of an endpoint, which lives as long as its application."""
        self.routes[PyLong_FromVoidPtr(<void *>endpoint)] = route

    cpdef of(self, scope):
        """The route that a request took, None where it has to be looked up."""
        if self.names_left <= 0 or ROUTE_KEY in scope:
            return None
        endpoint = item_of(scope, "endpoint", None)
        if endpoint is None or item_of(scope, "router", None) is None or "path_template" in scope:
            return None
        self.names_left -= 1
        return self.routes.get(PyLong_FromVoidPtr(<void *>endpoint))
