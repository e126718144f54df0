"""What a test program does with other interpreters, on any version of CPython."""

from __future__ import annotations

# One interface to what each version has.
INTERPRETERS = """
import sys, textwrap
if sys.version_info >= (3, 14):
    from concurrent import interpreters
    create = lambda isolated=True: interpreters.create()
    run = lambda interpreter, code: interpreter.exec(textwrap.dedent(code))
    destroy = lambda interpreter: interpreter.close()
elif sys.version_info >= (3, 13):
    import _interpreters
    create = lambda isolated=True: _interpreters.create("isolated" if isolated else "legacy")
    run = lambda i, code: _interpreters.exec(i, textwrap.dedent(code))
    destroy = _interpreters.destroy
else:
    import _xxsubinterpreters as _interpreters
    def create(isolated=True):
        known = sys.version_info >= (3, 10)
        return _interpreters.create(**(dict(isolated=isolated) if known else {}))
    run = lambda i, code: _interpreters.run_string(i, textwrap.dedent(code))
    destroy = _interpreters.destroy
"""
