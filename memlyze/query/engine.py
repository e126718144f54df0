"""DuckDB without what its Python package adds to it.

That package takes a tenth of a second to import, most of it for relations, the objects that
`Trace.sql` returns. Statements of memlyze itself need none: the extension module beneath connects,
runs statements and hands out rows by itself. Its connections can make relations as soon as the
package has been imported.
"""

from __future__ import annotations

import functools
import types


@functools.lru_cache(maxsize=None)
def engine() -> types.ModuleType:
    """The extension module of DuckDB: connections and errors, the same that `duckdb` has.

    The whole package where the extension is not a module of its own, as before DuckDB 1.4.
    """
    try:
        import _duckdb
    except ImportError:
        import duckdb

        return duckdb
    extension: types.ModuleType = _duckdb
    return extension
