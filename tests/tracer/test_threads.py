"""Threads: which are known, by what name, and that their coming and going disturbs nothing."""

from __future__ import annotations

from typing import Any

from recorded import short


def thread_of(trace: Any, size: int) -> str:
    """The name of the thread that made the only allocation of a size."""
    name: str = trace.threads[trace.one(size).thread_id]["name"]
    return name


def test_threads_are_named(record: Any) -> None:
    trace = record(
        """
        import threading
        kept = [bytes(50_000)]
        def work(size):
            kept.append(bytes(size))
        for number in range(5):
            name = f"wörker 🐍 {number}"
            thread = threading.Thread(target=work, args=(50_001 + number,), name=name)
            thread.start()
            thread.join()
        """
    ).trace
    assert thread_of(trace, 50_033) == "MainThread"
    assert [thread_of(trace, 50_034 + number) for number in range(5)] == [
        f"wörker 🐍 {number}" for number in range(5)
    ]


def test_thread_alive_before_the_start_is_named(run: Any) -> None:
    trace = run(
        """
        import sys, threading, memlyze
        go = threading.Event()
        kept = []
        def work():
            go.wait()
            kept.append(bytes(50_001))
        thread = threading.Thread(target=work, name="early bird")
        thread.start()
        with memlyze.Tracer(output_file=sys.argv[1], sample_rate=1.0):
            go.set()
            thread.join()
        """
    ).trace
    assert thread_of(trace, 50_034) == "early bird"


def test_thread_renamed_while_recording_has_its_last_name(record: Any) -> None:
    trace = record(
        """
        import threading
        kept = [bytes(50_001)]
        threading.current_thread().name = "renamed"
        """
    ).trace
    assert thread_of(trace, 50_034) == "renamed"


def test_subclass_whose_name_raises_is_left_alone(same: Any) -> None:
    same(
        """
        import threading
        class Odd(threading.Thread):
            @property
            def name(self):
                raise RuntimeError("no name")
            @name.setter
            def name(self, value):
                pass
            def __init__(self):
                super().__init__(target=print, args=("ran",))
            start = threading.Thread.start
        try:
            thread = Odd()
            thread.start()
            thread.join()
        except RuntimeError as error:
            print(error)
        """
    )


def test_each_of_200_short_lived_threads_is_named_and_ended(record: Any) -> None:
    trace = record(
        """
        import os, threading, time
        kept = []
        def work(size):
            kept.append(bytes(size))
        for number in range(200):
            thread = threading.Thread(target=work, args=(50_000 + number,), name=f"short {number}")
            thread.start()
            if number % 3:
                thread.join()
        # A thread is joined before the system has ended it: this one and the recorder's stay.
        while len(os.listdir("/proc/self/task")) > 2:
            time.sleep(0.001)
        """
    ).trace
    for number in range(200):
        row = trace.threads[trace.one(50_033 + number).thread_id]
        assert row["name"] == f"short {number}"
        assert row["end_ns"] >= row["start_ns"]
    trace.check_sound()


def test_native_thread_that_calls_into_python_has_a_thread_of_its_own(
    record: Any, native: str
) -> None:
    trace = record(
        """
        import ctypes, sys
        kept = []
        def called():
            kept.append(bytes(50_001 + len(kept)))
        native = ctypes.CDLL(sys.argv[1])
        callback = ctypes.CFUNCTYPE(None)(called)
        native.run_callbacks_in_thread(callback, 1)
        native.run_callbacks_in_thread(callback, 1)
        kept.append(bytes(60_001))
        """,
        native,
    ).trace
    first, second, main = (trace.one(size + 33) for size in (50_001, 50_002, 60_001))
    assert len({first.thread_id, second.thread_id, main.thread_id}) == 3
    assert [short(frame.function) for frame in trace.stack(first.stack_id)] == ["called"]


def test_low_level_threads_are_told_apart(record: Any) -> None:
    trace = record(
        """
        import _thread, threading
        kept = []
        def work(size, done):
            kept.append(bytes(size))
            done.release()
        for number in range(3):
            done = _thread.allocate_lock()
            done.acquire()
            _thread.start_new_thread(work, (50_001 + number, done))
            done.acquire()
        """
    ).trace
    rows = [trace.one(50_034 + number) for number in range(3)]
    main = trace.threads[min(trace.threads)]
    assert main["name"] == "MainThread"
    assert main["thread_id"] not in {row.thread_id for row in rows}


def test_thread_that_allocates_after_the_stop(same: Any) -> None:
    same(
        """
        import threading, memlyze
        go, kept = threading.Event(), []
        def work():
            kept.extend(bytes(2_000) for _ in range(100))
            go.wait()
            kept.extend(bytes(2_000) for _ in range(100))
            kept.clear()
        thread = threading.Thread(target=work)
        thread.start()
        try:
            memlyze.stop()
        except memlyze.MemlyzeError:
            pass
        go.set()
        thread.join()
        print(len(kept))
        """
    )


def test_program_sees_its_own_threads_only(same: Any) -> None:
    same(
        """
        import threading, sys
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
        print(threading.active_count(), [t.name for t in threading.enumerate()])
        print(len(sys._current_frames()), threading.Thread.start.__name__)
        """
    )


def test_thread_starts_look_the_same_in_tracebacks(same: Any) -> None:
    done = same(
        """
        import threading, traceback
        def work():
            print(len(traceback.extract_stack()), [f.name for f in traceback.extract_stack()])
            raise ValueError("in a thread")
        thread = threading.Thread(target=work, name="failing")
        thread.start()
        thread.join()
        try:
            thread.start()
        except RuntimeError:
            traceback.print_exc()
        """
    )
    assert "in a thread" in done.stderr


def test_daemon_threads_that_allocate_at_the_end(same: Any) -> None:
    done = same(
        """
        import threading
        def work(started):
            kept = []
            while True:
                kept.append(bytes(1_000))
                started.set()
                if len(kept) > 100:
                    kept.clear()
        for _ in range(4):
            started = threading.Event()
            threading.Thread(target=work, args=(started,), daemon=True).start()
            started.wait()
        print("end")
        """
    )
    trace = done.trace
    assert trace.is_complete
    trace.check_sound()


def test_exit_in_a_thread_ends_that_thread_alone(same: Any) -> None:
    done = same(
        """
        import sys, threading
        thread = threading.Thread(target=sys.exit, args=(3,))
        thread.start()
        thread.join()
        print("main goes on")
        """
    )
    assert done.trace.is_complete


def test_threads_that_end_while_recordings_start_and_stop(run: Any, native: str) -> None:
    """The helper thread must not look at the state of a thread that has just gone."""
    done = run(
        f"""
        import ctypes, sys, threading, memlyze
        native = ctypes.CDLL({native!r})
        api = ctypes.pythonapi
        native.use_allocator(api.PyMem_RawMalloc, api.PyMem_RawFree)
        stopping = False
        def come_and_go():
            while not stopping:
                size, count, keep = (ctypes.c_size_t(number) for number in (1_001, 20, 0))
                native.run_threads(8, size, count, keep)
        threads = [threading.Thread(target=come_and_go) for _ in range(2)]
        for thread in threads:
            thread.start()
        for number in range(60):
            memlyze.start(sys.argv[1], force=True, sample_rate=1.0)
            kept = [bytes(2_000) for _ in range(100)]
            memlyze.stop()
        stopping = True
        for thread in threads:
            thread.join()
        print("done")
        """
    )
    assert done.lines == ["done"]
    done.trace.check_sound()


def test_program_that_puts_in_its_own_thread_class(same: Any) -> None:
    done = same(
        """
        import threading
        class Thread:
            pass
        threading.Thread = Thread
        print("replaced")
        """
    )
    assert done.lines == ["replaced"]
    done.trace.check_sound()


def test_what_a_thread_might_still_have_had_in_an_earlier_recording_is_not_left_to_it(
    run: Any,
) -> None:
    trace = run(
        """
        import queue, sys, threading, memlyze
        sizes, done, kept = queue.Queue(), queue.Queue(), []
        def work():
            while True:
                size = sizes.get()
                if size is None:
                    return
                for _ in range(100):
                    kept.append(bytes(size))
                done.put(None)
        thread = threading.Thread(target=work)
        thread.start()
        with memlyze.Tracer(output_file=sys.argv[1] + ".first", sample_interval=1 << 40):
            sizes.put(200)
            done.get()
        with memlyze.Tracer(output_file=sys.argv[1], sample_interval=1):
            sizes.put(300)
            done.get()
        sizes.put(None)
        thread.join()
        """
    ).trace
    assert len(trace.allocations(333, function="work")) == 100
