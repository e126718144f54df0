"""Where an export goes: a folder of the file system, or of an object store by its URL.

A file takes its name when all of it is written. Object stores are reached through pyarrow, which
has S3, Google Cloud Storage and Azure built in and finds the credentials where their own tools
do.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import typing

from memlyze.errors import MemlyzeError
from memlyze.exporters.arrow import import_pyarrow

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def is_url(path: str) -> bool:
    """Whether a path is that of an object store."""
    return _URL.match(path) is not None


class Destination(typing.Protocol):
    """A folder to write files into."""

    def file(self, name: str) -> typing.ContextManager[str]:
        """The path of a local file that becomes `name` (with `/` between folders) at the end.

        Raises MemlyzeError where that cannot be written.
        """
        ...

    def exists(self, name: str) -> bool:
        """Whether there is a file of this name."""
        ...


def open_destination(path: str) -> Destination:
    """The folder at a path or URL. Raises MemlyzeError where it cannot be reached."""
    return _ObjectStore(path) if is_url(path) else _Folder(path)


class _Folder:
    def __init__(self, path: str) -> None:
        self._path = os.path.realpath(path)

    @contextlib.contextmanager
    def file(self, name: str) -> typing.Iterator[str]:
        path = os.path.join(self._path, name)
        partial = f"{path}.{os.getpid()}.partial"
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if os.path.exists(path) and not os.path.isfile(path):
                raise _cannot_write(path, "it is no regular file")
            yield partial
            os.replace(partial, path)
        except OSError as error:
            raise _cannot_write(path, error.strerror or str(error)) from None
        finally:
            with contextlib.suppress(OSError):
                os.unlink(partial)

    def exists(self, name: str) -> bool:
        return os.path.exists(os.path.join(self._path, name))


class _ObjectStore:
    def __init__(self, url: str) -> None:
        otherwise = "or export into a folder, and copy that with a tool of the store's"
        fs = import_pyarrow(f"writing to {url}", otherwise, "pyarrow.fs")
        self._url, self._fs = url.rstrip("/"), fs
        try:
            self._store, self._path = fs.FileSystem.from_uri(self._url)
        except (OSError, ValueError) as error:  # pyarrow's own errors are ValueErrors
            raise _cannot_write(url, _first_line(error)) from None

    @contextlib.contextmanager
    def file(self, name: str) -> typing.Iterator[str]:
        with tempfile.TemporaryDirectory(prefix="memlyze-") as folder:
            local = os.path.join(folder, "file")
            yield local
            target = f"{self._path}/{name}"
            try:
                if self._store.type_name in ("local", "hdfs"):  # the others have no folders
                    self._store.create_dir(os.path.dirname(target), recursive=True)
                with open(local, "rb") as source, self._open(target) as sink:
                    shutil.copyfileobj(source, sink, 8 << 20)
            except (OSError, ValueError) as error:
                raise _cannot_write(f"{self._url}/{name}", _first_line(error)) from None

    def _open(self, target: str) -> typing.Any:
        # Left to itself, pyarrow compresses what is called .gz once more.
        return self._store.open_output_stream(target, compression=None)

    def exists(self, name: str) -> bool:
        try:
            found = self._store.get_file_info(f"{self._path}/{name}")
        except (OSError, ValueError) as error:
            raise _cannot_write(f"{self._url}/{name}", _first_line(error)) from None
        return bool(found.type != self._fs.FileType.NotFound)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _cannot_write(path: str, reason: str) -> MemlyzeError:
    return MemlyzeError(
        f"{path} cannot be written: {reason}; make room or give access, or choose another place"
    )
