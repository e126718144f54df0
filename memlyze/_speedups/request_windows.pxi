# Part of `_tracer.pyx`: windows of requests. Here because they are in the way of every request: a
# request opens, enters, leaves and closes its window in a few microseconds' worth of C. What the
# middlewares do with them is in `asgi_requests.pxi` and `wsgi_requests.pxi`.

# Where a request's scope or environ has its window, so that it gets one only, and its route.
cdef str WINDOW_KEY = "memlyze.window"
cdef str ROUTE_KEY = "memlyze.route"
cdef dict known_words = {word: word.encode() for word in (
    "", "http", "websocket", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")}
cdef dict known_names = {}  # of routes, as they are written
cdef Py_ssize_t MOST_NAMES = 4096
cdef Py_ssize_t LONGEST_NAME = 300
cdef Py_ssize_t LONGEST_METHOD = 40


cdef class RequestWindow:
    """The window of one request.

    It is opened under no name, since its route is not known yet, and closed under the name of the
    route. What runs for it in between has to be in its context (`enter`, `leave`).

    Args:
        kind: `http`, `websocket`, or what else serves requests.
        method: of the request; empty: it has none.

    Attributes:
        window_id: its number in the trace, also when it is over.
        status: the status of the answer; 0: not known.
        attributes: anything else to remember about it; kept as JSON.
    """

    cdef readonly uint32_t window_id
    cdef public object status
    cdef object number  # as the context variable holds it; 0: closed
    cdef object parent
    cdef dict noted
    cdef bytes kind
    cdef bytes method
    cdef int64_t start_ns
    cdef int64_t first_byte_after_ns

    def __cinit__(self, str kind not None, method=""):
        self.status = 0
        self.kind = encoded_word(kind)
        self.method = encoded_method(method)
        self.first_byte_after_ns = -1
        self.parent = present_value()
        self.number = new_window_id()
        self.window_id = self.number
        self.start_ns = ml_recorder_step_clock()
        add_window(self.window_id, self.parent, self.kind, b"", self.start_ns, -1, b"", self.method)

    @property
    def attributes(self):
        if self.noted is None:
            self.noted = {}
        return self.noted

    @property
    def is_open(self):
        """Whether it has not been closed."""
        return self.number != 0

    cpdef enter(self):
        """What runs from now on in this context is in the window. Returns what `leave` needs."""
        outside = present_value()
        set_present(self.number)
        return outside

    cpdef leave(self, outside):
        """What runs from now on in this context is in the window that it was in before."""
        if present_value() is self.number:  # otherwise this is another context
            set_present(outside)

    cpdef first_byte(self):
        """The answer begins: said once."""
        if self.first_byte_after_ns < 0:
            self.first_byte_after_ns = max(ml_recorder_step_clock() - self.start_ns, 0)

    cpdef close(self, name):
        """The request is over. `name` is the template of its route, never the raw path."""
        cdef int64_t end_ns
        cdef bytes written, attributes_json = b""
        if self.number == 0:
            return
        self.number = 0
        end_ns = ml_recorder_step_clock()
        name = text_of(name)
        written = known_names.get(name)
        if written is None or self.noted:
            ml_hooks_pause_thread()  # what this allocates is not the program's
            try:
                if written is None:
                    written = remembered_name(name)
                if self.noted:
                    from memlyze.windows import encoded_attributes
                    attributes_json = encoded_attributes(self.noted)
            finally:
                ml_hooks_resume_thread()
        add_window(self.window_id, self.parent, self.kind, written, self.start_ns, end_ns,
                   attributes_json, self.method, status_number(self.status),
                   self.first_byte_after_ns)


cdef inline object item_of(mapping, str key, default):
    """`mapping.get(key, default)`: without a call where it is a dict, which it nearly always is."""
    if type(mapping) is dict:
        return (<dict>mapping).get(key, default)
    return mapping.get(key, default)


cdef uint32_t status_number(status):
    """Whatever an application has for a status; 0 where it is none."""
    try:
        return status
    except Exception:  # of the application's own number
        return 0


cdef str text_of(name):
    """Whatever an application has for a name: a request is answered whatever that does."""
    if type(name) is str:
        return name
    try:
        return str.__str__(str(name))  # not a string of its own kind, whose hash may fail
    except Exception:
        return "(no name)"


cdef bytes encoded_word(str word):
    written = known_words.get(word)
    if written is None:
        from memlyze.windows import encoded_text
        written = encoded_text(word)
    return written


cdef bytes encoded_method(method):
    """Whatever a server has for it: some let a client choose any word, of any length."""
    if type(method) is not str:
        return b""
    if len(<str>method) > LONGEST_METHOD:
        method = (<str>method)[:LONGEST_METHOD - 1] + "…"
    return encoded_word(method)


cdef bytes remembered_name(str name):
    """A name as it is written: on one line, and of a length that a table can show."""
    from memlyze.windows import encoded_text
    text = " ".join(name.replace("\0", " ").split())
    if len(text) > LONGEST_NAME:
        text = text[:LONGEST_NAME - 1] + "…"
    if len(known_names) >= MOST_NAMES:  # not routes, then: nothing may grow with the requests
        known_names.clear()
    written = encoded_text(text)
    if len(name) <= LONGEST_NAME:
        known_names[name] = written
    return written
