"""Files that notice each close of a descriptor: recording closes no copies of them.

The other ways to have descriptors are in test_descriptors.py.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

import pytest
import seccomp

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has tables of threads")

IMPOSSIBLE = 77  # what a program exits with that cannot have such files here


@pytest.fixture(params=["", "statx"])
def refused(request: Any) -> dict[str, Any]:
    """For Popen: the kernel tells a file's mount when it is asked, or only through /proc."""
    if request.param and not seccomp.IS_POSSIBLE:
        pytest.skip("system calls cannot be refused here")
    return {"preexec_fn": functools.partial(seccomp.refuse, request.param)} if request.param else {}


def _run(programs: Any, *sources: str, **popen: Any) -> Any:
    begin = f"""
import ctypes, os, signal, sys, memlyze
libc = ctypes.CDLL(None, use_errno=True)
def impossible(why):
    print(why)
    os._exit({IMPOSSIBLE})
def number_of_ours():
    return len([name for name in os.listdir("/proc/self/fd") if "trace.mlyze" in link(name)])
def link(name):
    try:
        return os.readlink("/proc/self/fd/" + name)
    except FileNotFoundError:
        return ""
def fork():
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return child
"""
    done = programs.run(begin + "".join(sources), str(programs.trace_path), **popen)
    if done.status == IMPOSSIBLE:
        pytest.skip(done.stdout)
    assert done.status == 0, f"status {done.status}: {done.stdout}{done.stderr}"
    return done


QUEUE = """
if not hasattr(libc, "mq_open"):                # glibc before 2.34
    libc = ctypes.CDLL("librt.so.1", use_errno=True)
name = b"/memlyze-test-%d" % os.getpid()
queue = libc.mq_open(name, os.O_RDWR | os.O_CREAT, 0o600, None)
if queue < 0:
    impossible(os.strerror(ctypes.get_errno()))
libc.mq_unlink(name)
class Event(ctypes.Structure):
    _fields_ = [("value", ctypes.c_void_p), ("signal", ctypes.c_int), ("way", ctypes.c_int),
                ("rest", ctypes.c_char * 64)]
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
def is_told():
    assert libc.mq_send(queue, b"message", 7, 0) == 0
    told = signal.sigtimedwait([signal.SIGUSR1], 0)
    assert libc.mq_receive(queue, ctypes.create_string_buffer(100_000), 100_000, None) == 7
    return bool(told)
def want():
    event = Event(signal=signal.SIGUSR1)
    return libc.mq_notify(queue, ctypes.byref(event)) == 0
"""


def test_notification_of_a_message_queue_stays(programs: Any, refused: Any) -> None:
    done = _run(
        programs,
        QUEUE,
        """
print(want(), is_told(), is_told(), want())     # each is for one message
memlyze.start(sys.argv[1], sample_rate=1.0)
print(is_told(), want())
fork()
print(is_told(), want())
memlyze.stop()
print(is_told())
""",
        **refused,
    )
    assert done.lines == ["True True False True", "True True", "True True", "True"]
    assert done.trace.is_complete
    done.trace.check_sound()


def test_notification_stays_where_no_descriptor_is_free_to_look(programs: Any) -> None:
    """Then there is none either to record on with after a fork."""
    done = _run(
        programs,
        "memlyze.start(sys.argv[1], sample_rate=1.0)",
        QUEUE,
        """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
print(number_of_ours(), want())
try:
    while True:
        os.dup(queue)
except OSError as error:
    print(error.strerror)
fork()
print(is_told())
""",
    )
    assert done.lines == ["0 True", "Too many open files", "True"]
    assert "recording stopped" in done.stderr


#: A file system with one file in it, in mounts of the process's own; what is asked, and by whom.
#: Who waits for an answer cannot even be killed: there is a process that ends the waiting.
SERVER = """
import contextlib, select, struct, threading
PRIVATE, NEW_MOUNTS, DETACH = 1 << 18 | 1 << 14, 0x20000, 2
LOOKUP, FORGET, GETATTR, OPEN, STATFS, FLUSH, INIT, INTERRUPT = 1, 2, 3, 14, 17, 25, 26, 36
asked = []
def attributes(node):
    kind = 0o040755 if node == 1 else 0o100644
    return struct.pack("<6Q3I7I", node, 0, 0, 0, 0, 0, 0, 0, 0, kind, 1, 0, 0, 0, 512, 0)
def answer(operation, node):
    if operation == INIT:
        return struct.pack("<4I2H2I2H8I", 7, 31, 0, 0, 1, 1, 4096, 1, 0, 0, *[0] * 8)
    if operation == LOOKUP:
        return struct.pack("<4Q2I", 2, 0, 0, 0, 0, 0) + attributes(2)
    if operation == GETATTR:
        return struct.pack("<Q2I", 0, 0, 0) + attributes(node)
    return {OPEN: bytes(16), STATFS: bytes(80)}.get(operation, b"")
def serve():
    while is_served:
        if not select.select([server], [], [], 0.01)[0]:
            continue
        request = os.read(server, 200_000)
        _, operation, unique, node, _, _, asker, _ = struct.unpack_from("<IIQQIIII", request)
        asked.append((operation, asker))
        if operation not in (FORGET, INTERRUPT):
            data = answer(operation, node)
            os.write(server, struct.pack("<IiQ", 16 + len(data), 0, unique) + data)
@contextlib.contextmanager
def served():
    global is_served
    is_served = True
    thread = threading.Thread(target=serve)
    thread.start()
    yield
    is_served = False
    thread.join()
os.closerange(3, 100)  # files from before would be in mounts that are listed no more
if libc.unshare(NEW_MOUNTS) or libc.mount(b"none", b"/", None, PRIVATE, None):
    impossible(os.strerror(ctypes.get_errno()))
try:
    server = os.open("/dev/fuse", os.O_RDWR)
except OSError as error:
    impossible(error)
os.mkdir("mounted")
os.mkdir("control")
options = b"fd=%d,rootmode=40000,user_id=0,group_id=0" % server
if libc.mount(b"none", b"control", b"fusectl", 0, None):
    impossible(os.strerror(ctypes.get_errno()))
others = os.listdir("control")
if libc.mount(b"test", b"mounted", b"fuse", 0, options):
    impossible(os.strerror(ctypes.get_errno()))
until, end = os.pipe()
if os.fork() == 0:
    os.close(end)
    os.close(server)
    select.select([until], [], [], 20)
    for connection in set(os.listdir("control")) - set(others):
        with open(f"control/{connection}/abort", "w") as abort:
            abort.write("1")
    os._exit(0)
with served():
    file = os.open("mounted/file", os.O_RDONLY)
    os.close(os.dup(file))
"""


@pytest.mark.parametrize("unmount", ["", "libc.umount2(b'mounted', DETACH)"])
def test_program_that_serves_its_own_files_is_not_asked_for_them(
    programs: Any, refused: Any, unmount: str
) -> None:
    """It could not answer: whoever starts waits for the helper thread, with the GIL held."""
    done = _run(
        programs,
        SERVER,
        unmount,
        """
print([operation for operation, _ in asked].count(FLUSH))
del asked[:]
memlyze.start(sys.argv[1], sample_rate=1.0, follow=False)
child = os.fork()
if child == 0:
    os._exit(0)
with served():                                  # the child's copy is closed, of course
    os.waitpid(child, 0)
print([request for request in asked if request[1] != child], number_of_ours())
with served():
    os.close(file)
fork()
print(number_of_ours())                         # out of sight again
memlyze.stop()
""",
        **refused,
    )
    assert done.lines == ["1", "[] 1", "0"]
    done.trace.check_sound()


def test_usual_files_are_none_of_those(programs: Any, refused: Any) -> None:
    done = _run(
        programs,
        """
import select, socket, tempfile
opened = [
    os.pipe(), socket.socketpair(), select.epoll(), tempfile.TemporaryFile(),
    open("/dev/null"), open("/proc/self/stat"), os.open(".", os.O_RDONLY), os.openpty(),
    getattr(os, "memfd_create", lambda name: None)("some"),
]
memlyze.start(sys.argv[1], sample_rate=1.0)
print(number_of_ours())
""",
        **refused,
    )
    assert done.lines == ["0"]


def test_looking_at_files_is_bounded(programs: Any) -> None:
    done = _run(
        programs,
        """
import resource
try:
    resource.setrlimit(resource.RLIMIT_NOFILE, (4_500, 4_500))
except (OSError, ValueError) as error:
    impossible(error)
null = os.open(os.devnull, os.O_RDONLY)
for number in range(4_100):
    os.dup(null)
memlyze.start(sys.argv[1], sample_rate=1.0)
print(number_of_ours())
os.closerange(null + 1, null + 50)
fork()
print(number_of_ours())
""",
    )
    assert done.lines == ["1", "0"]
