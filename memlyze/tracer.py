"""Starting and stopping a recording of this process.

Little is imported here, and what few recordings need only where they do: this runs inside other
people's programs, at their very start, and the garbage collector goes through all of it each time.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
import time

from memlyze import _json_text, checkpoints, family, handover, thread_names
from memlyze._speedups import _tracer
from memlyze.errors import TracerStateError, TraceWriteError
from memlyze.options import ADAPTIVE, from_keywords

TYPE_CHECKING = False  # `typing` itself stays out of the recorded program
if TYPE_CHECKING:
    from typing import Any

    from memlyze.signals import SignalAction

FORMAT_VERSION = 1

_active: Tracer | None = None


class Tracer:
    """One recording of this process into one trace file.

    Takes the options of `TraceOptions`, by keyword. One tracer records at a time; it can be started
    once. Works as a context manager::

        with memlyze.Tracer(output_file="trace.mlyze"):
            work()

    Raises:
        OptionError: an option is wrong.
    """

    def __init__(self, output_file: str | os.PathLike[str] = "trace.mlyze", **options: Any) -> None:
        self.options = from_keywords(output_file, options)
        self.output_file = os.path.abspath(
            self.options.output_file.replace("{pid}", str(os.getpid()))
        )
        self._member = family.Member(self.output_file)
        self._state = "new"
        self._is_before_program = False
        self._known_path: list[str] = []
        self._tracemalloc_stops: tuple[Any, Any] | None = None
        self._signal: SignalAction | None = None

    def __repr__(self) -> str:
        return f"<memlyze.Tracer {self._state} {self.output_file!r}>"

    @property
    def is_active(self) -> bool:
        """Whether this tracer is recording in this process."""
        return self is _active

    @property
    def is_stopping(self) -> bool:
        """Whether `stop` has begun, and not ended."""
        return self._state == "stopping"

    def start(self) -> Tracer:
        """Start recording; from now on every allocation of every thread is sampled.

        Returns:
            This tracer.

        Raises:
            TracerStateError: a tracer is recording already (it goes on), this one has been used, or
                this is a subinterpreter.
            TraceWriteError: the trace file exists (and `force` is not set) or cannot be written.
        """
        global _active
        if _active is not None:
            raise TracerStateError(
                f"already recording into {_active.output_file}; stop that with memlyze.stop() "
                "before starting another"
            )
        if not _tracer.is_in_main_interpreter():
            raise TracerStateError(
                "memlyze records from the main interpreter of a process, what all of them "
                "allocate; start it there"
            )
        if self._state != "new":
            raise TracerStateError(
                "this tracer has been used; make a new one with memlyze.start(...)"
            )
        _active = self  # at once: whatever interrupts what follows, a recording has its tracer
        try:
            self._open()
            _tracer.call_unrecorded(Tracer._attach, self)
        except BaseException:
            self._detach()
            _tracer.follow_no_launches()
            if _tracer.is_recording():
                _tracer.stop(b"interrupted")
            _active = None
            self._leave_signal()
            raise
        return self

    def _open(self) -> None:
        if self._member.started_by or self.output_file != self._member.first_file:
            self._open_beside_first()
            return
        try:
            self._create(self.output_file, self.options.force)
        except FileExistsError as error:
            found = error.filename or self.output_file
            advice = "choose another output_file, or replace it with force=True (--force)"
            if self.options.force or not os.path.isfile(found):
                advice = "and is no regular file; choose another output_file"
            raise TraceWriteError(f"{found} exists already; {advice}") from None

    def _open_beside_first(self) -> None:
        """Into the first file named after this process that is not there yet."""
        for path in self._member.files():
            self.output_file = path
            try:
                self._create(path, overwrite=False)
            except FileExistsError:
                continue
            return
        raise TraceWriteError(f"{self.output_file} exists already, and so do the names before it")

    def _create(self, path: str, overwrite: bool) -> None:
        """Create the file and record into it. Raises FileExistsError, TraceWriteError."""
        options = self.options
        if options.max_trace_bytes:
            from memlyze import parts

            parts.clear_other_parts(path, overwrite)
        try:
            why_not_native = _tracer.start(
                os.fsencode(path),
                overwrite,
                _json_text.encode(self._header_metadata()),
                0.0 if options.is_exact else float(options.interval_bytes),
                options.is_adaptive,
                options.sample_rate,
                options.surcharge_bytes,
                options.max_stack_depth,
                options.memory_interval_ms,
                options.when_full == "drop",
                options.seed,
                options.native,
                options.max_trace_bytes,
                os.fsencode(_working_directory()),
                options.include_source,
            )
        except FileExistsError:
            raise
        except OSError as error:
            raise TraceWriteError(
                f"cannot write the trace {path}: {os.strerror(error.errno or 0)}; "
                "choose another output_file"
            ) from None
        self._state = "recording"
        _tracer.call_unrecorded(Tracer._announce, self, why_not_native)

    def _announce(self, why_not_native: Any = None) -> None:
        """Say what is known now, and to whom it matters."""
        if why_not_native is not None:
            _tracer.add_metadata(b"native_memory_unseen", _json_text.encode(why_not_native))
        if self.options.follow:
            self._follow_launches()

    def _follow_launches(self) -> None:
        """Let the Pythons that this process starts record themselves."""
        options = self.options
        own = ("output_file", "force")
        handed = {name: getattr(options, name) for name in options.__slots__ if name not in own}
        record = handover.encode_options({**handed, **self._member.handover()})
        shim = handover.FOLLOW_SHIM if handover.can_preload(handover.FOLLOW_SHIM) else ""
        _tracer.follow_launches(
            os.fsencode(record), os.fsencode(handover.STARTUP_FOLDER), os.fsencode(shim)
        )

    def _attach(self) -> None:
        """Listen to what is not seen from the allocators."""
        thread_names.watch()
        if self.options.carry_into_threads:
            from memlyze import carrying

            carrying.watch()
        if self.options.track_gc:
            gc.callbacks.append(_tracer.gc_callback)
        self._keep_hooks_after_tracemalloc()
        if self.options.checkpoint_signal and self.options.references:
            from memlyze.signals import SignalAction

            self._signal = SignalAction(
                "checkpoint_signal", self.options.checkpoint_signal, checkpoints.take_on_signal
            )
            self._signal.listen()
        if self.options.checkpoint_interval_s and self.options.references:
            _tracer.take_checkpoints_from(
                int(self.options.checkpoint_interval_s * 1e9), checkpoints.MOST_OBJECTS_UNASKED
            )
            gc.callbacks.append(_tracer.checkpoint_callback)
        at_exit = checkpoints.MOST_OBJECTS_UNASKED if self.options.references else 0
        _tracer.checkpoint_at_exit(at_exit)
        atexit.register(_tracer.call_untraced, self._stop_at_exit)

    def _detach(self) -> None:
        atexit.unregister(_tracer.call_untraced)
        for callback in (_tracer.gc_callback, _tracer.checkpoint_callback):
            if callback in gc.callbacks:
                gc.callbacks.remove(callback)
        self._leave_tracemalloc()
        if self.options.carry_into_threads:
            from memlyze import carrying

            carrying.unwatch()
        thread_names.unwatch()

    def _leave_signal(self) -> None:
        """When the file is finished: most programs die of the signal from now on."""
        if self._signal is not None:
            self._signal.leave()

    def stop(self) -> None:
        """Stop recording and finish the trace file.

        Raises:
            TracerStateError: this tracer is not recording.
            TraceWriteError: not everything could be written (what was is readable).
        """
        if not self._stop("stop"):
            raise TraceWriteError(self._deleted())

    def __enter__(self) -> Tracer:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        if self.is_active:  # somebody may have stopped it in between
            self.stop()

    def _stop(self, reason: str) -> bool:
        """Stop; False: somebody has deleted the trace."""
        global _active
        if not self.is_active or self._state != "recording":
            raise TracerStateError("not recording; start with memlyze.start() first")
        self._state = "stopping"
        try:
            checkpoints.take_at_stop(self.options, reason)
            _tracer.follow_no_launches()
            lost = _tracer.ensure_hooks()
            thread_names.tell_all()
            self._detach()
            _tracer.add_metadata(b"hooks_lost", _json_text.encode(lost))
            self._tell_python_path()
            if _is_module_not_found():
                _tracer.add_metadata(b"module_not_found", _json_text.encode(True))
            self._tell_invisible_allocators()
        finally:
            try:
                is_there = _tracer.stop(reason.encode())
            except OSError as error:
                raise TraceWriteError(
                    f"the trace {self.output_file} is not complete: "
                    f"{os.strerror(error.errno or 0)}; what was written before is readable"
                ) from None
            finally:
                self._state = "stopped"
                _active = None
                self._leave_signal()
        return is_there

    def _tell_invisible_allocators(self) -> None:
        if not self.options.native:
            return
        found = [
            {"name": name, "file": os.fsdecode(file)}
            for name, file in _tracer.invisible_allocators()
        ]
        if found:
            _tracer.add_metadata(b"invisible_allocators", _json_text.encode(found))

    def _stop_at_exit(self) -> None:
        """The program ended while recording. What went wrong is said, never raised."""
        if not self.is_active:
            return
        try:
            is_there = self._stop("exit")
        except TraceWriteError:
            return  # the helper thread has said so already
        except KeyboardInterrupt:
            return  # came after the program's end: the trace is finished, nothing is interrupted
        if not is_there:
            _say(self._deleted())

    def _deleted(self) -> str:
        return (
            f"the trace {self.output_file} was deleted while it was written; record again, into a "
            "place that nobody cleans up"
        )

    def _keep_hooks_after_tracemalloc(self) -> None:
        """When tracemalloc runs already, its stop puts back what it found: not our hooks."""
        if not _tracer.is_tracemalloc_tracing():
            return
        import _tracemalloc  # with -X tracemalloc the module above it may be imported later

        original: Any = _tracemalloc.stop

        def stop() -> None:
            original()
            _tracer.ensure_hooks()

        stop.__doc__ = original.__doc__
        self._tracemalloc_stops = (original, stop)
        _replace_tracemalloc_stop(original, stop)

    def _leave_tracemalloc(self) -> None:
        if self._tracemalloc_stops is not None:
            original, ours = self._tracemalloc_stops
            _replace_tracemalloc_stop(ours, original)
            self._tracemalloc_stops = None

    def _python_path(self) -> list[str]:
        """Where the program finds its modules, as far as is known yet."""
        entries = [path for path in sys.path if isinstance(path, str)]
        if self._is_before_program:
            entries[:0] = _entry_of_program()
        self._known_path = entries
        return entries

    def _tell_python_path(self) -> None:
        """What the program has added since the recording began."""
        known = self._known_path
        if any(path not in known for path in sys.path if isinstance(path, str)):
            added = [path for path in self._python_path() if path not in known]
            _tracer.add_metadata(b"python_path", _json_text.encode([*known, *added]))

    def _header_metadata(self) -> dict[str, Any]:
        system = os.uname()
        options = self.options
        return {
            "format_version": FORMAT_VERSION,
            "memlyze_version": _version(),
            "python_version": sys.version.split()[0],
            "python_implementation": sys.implementation.name,
            "python_executable": sys.executable,
            "platform": f"{system.sysname} {system.release}",
            "machine": system.machine,
            "hostname": system.nodename,
            "command_line": _command_line(),
            "working_directory": _working_directory(),
            "python_path": self._python_path(),
            "process_id": os.getpid(),
            "parent_process_id": os.getppid(),
            **self._member.metadata(),
            "start_time_unix_ns": time.time_ns(),
            "sample_rate": options.sample_rate,
            "sample_interval": ADAPTIVE if options.is_adaptive else options.interval_bytes,
            "max_stack_depth": options.max_stack_depth,
            "track_gc": options.track_gc,
            "memory_interval_ms": options.memory_interval_ms,
            "when_full": options.when_full,
            "native": options.native,
            "follow": options.follow,
            "references": options.references,
            "checkpoint_interval_s": options.checkpoint_interval_s,
            "carry_into_threads": options.carry_into_threads,
            "max_trace_bytes": options.max_trace_bytes,
            "include_source": options.include_source,
        }


def start(output_file: str | os.PathLike[str] = "trace.mlyze", **options: Any) -> Tracer:
    """Start recording this process into `output_file`; the options are those of `TraceOptions`.

    Returns:
        The tracer; `tracer.stop()` or `memlyze.stop()` ends the recording, and so does the end of
        the program.

    Raises:
        OptionError: an option is wrong; the message names it and the accepted range.
        TracerStateError: a tracer is recording already; it goes on.
        TraceWriteError: the file exists (and `force` is not set) or cannot be written.
    """
    return Tracer(output_file, **options).start()


def start_member(member: family.Member, is_first: bool, options: dict[str, Any]) -> Tracer:
    """Start recording this process as one of a family; `is_first`: into the family's first file."""
    tracer = Tracer(member.first_file, **options)
    tracer._member = member
    if not is_first:
        tracer.output_file = next(member.files())
    tracer._is_before_program = True
    try:
        return tracer.start()
    finally:
        tracer._is_before_program = False


def stop() -> None:
    """Stop the tracer that is recording, and finish its file.

    Raises:
        TracerStateError: nothing is recording.
        TraceWriteError: not everything could be written.
    """
    if _active is None:
        raise TracerStateError("not recording; start with memlyze.start() first")
    _active.stop()


def active_tracer() -> Tracer | None:
    """The tracer that is recording in this process, or None."""
    return _active


def _replace_tracemalloc_stop(present: Any, new: Any) -> None:
    for name in ("_tracemalloc", "tracemalloc"):
        module: Any = sys.modules.get(name)
        if getattr(module, "stop", None) is present:
            module.stop = new


def _version() -> str:
    from memlyze import __version__

    return __version__


def _command_line() -> list[str]:
    """The interpreter and its arguments; in the start of CPython 3.9 only the system knows them."""
    arguments = list(getattr(sys, "orig_argv", ()) or getattr(sys, "argv", ()))
    if not hasattr(sys, "orig_argv"):
        try:
            with open("/proc/self/cmdline", "rb") as file:
                arguments = [os.fsdecode(part) for part in file.read().split(b"\0")[:-1]]
        except OSError:  # not Linux
            pass
    return [sys.executable or "python", *arguments[1:]]


def _entry_of_program() -> list[str]:
    """What the interpreter will put first in sys.path when it comes to the program."""
    if sys.flags.isolated or getattr(sys.flags, "safe_path", False):
        return []
    program = (getattr(sys, "argv", None) or [""])[0]
    if program in ("", "-c", "-m"):
        return [_working_directory()]
    program = os.path.realpath(program)
    return [program if os.path.isdir(program) else os.path.dirname(program)]


def _working_directory() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return ""


def _after_fork_in_child() -> None:
    """The recording, its helper thread and its file are the parent's. The child begins its own,
    under the same tracer: what listens for it is in place already, and none of it has to be undone.
    """
    global _active
    tracer = _active
    if tracer is None:
        return
    is_followed = tracer._state == "recording" and tracer.options.follow
    if is_followed and not _tracer.is_launching():
        try:
            tracer._member = tracer._member.forked()
            tracer._open()
            thread_names.tell_all()
            return
        except (TraceWriteError, MemoryError) as error:
            _say(f"process {os.getpid()} is not recorded: {error}")
    tracer._state = "left behind by fork"
    tracer._detach()
    _active = None
    _tracer.follow_no_launches()
    _tracer.settle_hooks()


def _say(text: str) -> None:
    if sys.__stderr__ is None:
        return
    from memlyze.wording.names import printable

    try:
        print(f"memlyze: {printable(text)}", file=sys.__stderr__, flush=True)
    except (OSError, ValueError):  # stderr is closed: there is nobody to tell
        return


checkpoints.take_before_cleanup()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_tracer.before_fork,
        after_in_parent=_tracer.after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )


def _is_module_not_found() -> bool:
    """Whether Python was to run a module (`-m`) of which it found nothing, not even its package."""
    if (getattr(sys, "argv", None) or [""])[0] != "-m":  # its name until the module is found
        return False
    given = getattr(sys, "orig_argv", [])  # from CPython 3.10 on
    if "-m" not in given[:-1]:
        return False
    name: str = given[given.index("-m") + 1]
    import importlib.util  # few processes come here

    try:  # of a package that is there, code may have run, even if it is not imported any more
        return importlib.util.find_spec(name.partition(".")[0]) is None
    except (ImportError, ValueError):
        return False
