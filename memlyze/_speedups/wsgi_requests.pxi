# Part of `_tracer.pyx`: what `integrations/wsgi.py` does for every request.


cdef extern from "Python.h":
    PyObject *PyIter_Next(object iterator) except? NULL  # NULL without an error: the end


def request_of_wsgi(environ, start_response, name, bint is_asked):
    """Open the window of a request, and enter it; None: it gets none, because nothing is recorded
    or another middleware has opened one.

    Args:
        name: `name(environ)` says what to call it in the end.
        is_asked: always; otherwise where the environ has no route.
    """
    if not ml_session or WINDOW_KEY in environ:
        return None
    cdef RequestWindow window = RequestWindow("http", item_of(environ, "REQUEST_METHOD", ""))
    cdef RequestOfWsgi request = RequestOfWsgi.__new__(RequestOfWsgi)
    environ[WINDOW_KEY] = window
    request.window = window
    request.environ = environ
    request.start_response = start_response
    request.name = name
    request.is_asked = is_asked
    request.outside = window.enter()
    return request


cdef class RequestOfWsgi:
    """A request on its way: what its WSGI application calls to start the response, and then, unless
    that is whole, the body as the server gets it.

    Attributes:
        window: of the request.
    """

    cdef readonly RequestWindow window
    cdef object environ
    cdef object start_response
    cdef object name
    cdef object outside
    cdef object server_write
    cdef object body
    cdef object pieces
    cdef bint is_asked
    cdef bint is_whole

    def __call__(self, status, headers, exc_info=None):
        """Start the response."""
        self.window.status = status_at_the_start_of(status)
        # By Flask, and only as long as it is at work.
        served = item_of(self.environ, "werkzeug.request", None)
        if served is not None:
            rule = getattr(served, "url_rule", None)
            if rule is not None:
                self.environ.setdefault(ROUTE_KEY, rule.rule)
        if exc_info is None:
            self.server_write = self.start_response(status, headers)
        else:
            self.server_write = self.start_response(status, headers, exc_info)
        return self.write

    def write(self, data):
        """Send a piece of the body, as applications of old do."""
        self.window.first_byte()
        return self.server_write(data)

    def failed(self, error):
        """The application has raised instead of giving a body."""
        self.note_failure(error)
        self.window.leave(self.outside)
        self.close_window()

    def pass_on(self, body):
        """The application has given its body. What the server gets: the body as it is where nothing
        of it is still to be made.
        """
        self.window.leave(self.outside)
        if not (isinstance(body, (list, tuple)) or self.is_file(body)):
            self.body = body
            return self
        self.window.first_byte()
        self.close_window()
        return body

    def __iter__(self):
        return self

    def __next__(self):
        cdef PyObject *piece
        outside = self.window.enter()
        try:
            if self.pieces is None:
                self.pieces = iter(self.body)
            piece = PyIter_Next(self.pieces)
            if piece is not NULL:
                made = <object>piece
                Py_DECREF(made)
                if made:
                    self.window.first_byte()
                return made
            self.is_whole = True
        except BaseException as error:
            self.note_failure(error)
            raise
        finally:
            self.window.leave(outside)
        raise StopIteration

    def close(self):
        """Called by the server in any case, also where the client is gone."""
        outside = self.window.enter()
        try:
            close = getattr(self.body, "close", None)
            if close is not None:
                close()
        finally:
            self.window.leave(outside)
            if not self.is_whole:
                self.window.attributes["incomplete"] = True
            self.close_window()

    cdef is_file(self, body):
        wrapper = item_of(self.environ, "wsgi.file_wrapper", None)
        return isinstance(wrapper, type) and isinstance(body, wrapper)

    cdef note_failure(self, error):
        self.window.attributes["exception"] = type(error).__name__
        if isinstance(error, Exception) and self.window.first_byte_after_ns < 0:
            # Whatever the application has begun: nothing was sent, and the server answers this.
            self.window.status = 500
            self.is_whole = True

    cdef close_window(self):
        route = None if self.is_asked else item_of(self.environ, ROUTE_KEY, None)
        if type(route) is not str or not route:
            route = self.name(self.environ)
        self.window.close(route)


cdef uint32_t status_at_the_start_of(status):
    """Of `200 OK`; 0: there is none."""
    if not isinstance(status, str) or len(<str>status) < 3:
        return 0
    cdef uint32_t number = 0
    cdef uint32_t digit
    cdef Py_UCS4 character
    for character in (<str>status)[:3]:
        digit = <uint32_t>character - 48  # what is before "0" becomes a large number
        if digit > 9:
            return 0
        number = number * 10 + digit
    return number
