"""Pythons that a shell starts, or another program that only starts programs, are followed too; what
stands in between sees nothing of it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the shim is for Linux")

CHILD = """
import os, sys
kept = bytes(60_001)
print(sorted(os.environ.items()), sys.path)
"""

COMMANDS = {
    "PYTHON child.py": 1,
    "PYTHON child.py; exit 7": 1,
    "MINE=1 PYTHON child.py && PYTHON child.py": 2,
    "PYTHONPATH=/own PYTHON child.py": 1,
    "PYTHONPATH='/o\x1fw=i:n%1f' PYTHON child.py": 1,
    "export PYTHONPATH=; PYTHON child.py": 1,
    "sh -c 'exec PYTHON child.py'": 1,
    "nice timeout 20 PYTHON child.py": 1,
    "env -i PYTHON child.py": 1,
    "env - LD_PRELOAD= sh -c 'PYTHON child.py; env'": 1,
    "echo child.py | xargs PYTHON": 1,
    "env PATH=FOLDER sh -c 'python3 child.py'": 1,
    "./script child.py": 1,
    "env": 0,
    "cat /proc/self/environ": 0,
    "printenv; echo $MEMLYZE_RECORD $LD_PRELOAD": 0,
    "PYTHON -I child.py": 0,
    "PYTHON -S -E child.py": 0,
    "does-not-exist-anywhere": 0,
}

RUN = """
import os, subprocess, sys
how, command = sys.argv[1:]
if how == "subprocess":
    done = subprocess.run(command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(done.returncode, done.stdout)
elif how == "bash":
    done = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env={**os.environ, "LD_PRELOAD": "libm.so.6"})
    print(done.returncode, done.stdout)
elif how == "system":
    print(os.system(command))
else:
    os.execlp("sh", "sh", "-c", command)
"""


def loader_of(program: str) -> bytes | None:
    """The dynamic loader that an ELF file asks for."""
    with open(os.path.realpath(program), "rb") as file:
        found = re.search(rb"/[^\0]{1,200}/ld[^\0/]{0,50}\.so[^\0/]{0,9}(?=\0)", file.read(1 << 16))
    return found and found.group()


# An interpreter that was unpacked somewhere brings its own loader: then shells are left alone.
SHELLS_ARE_FOLLOWED = loader_of(sys.executable) == loader_of("/bin/sh")
FEW = [*list(COMMANDS)[1:8:3], "env"]


@pytest.mark.parametrize(
    ("how", "command"),
    [("subprocess", command) for command in COMMANDS]
    + [(how, command) for how in ("bash", "system", "exec") for command in FEW],
)
def test_python_behind_a_shell_is_recorded_and_all_is_as_without(
    same: Any, programs: Any, how: str, command: str
) -> None:
    children = COMMANDS[command] if SHELLS_ARE_FOLLOWED else 0
    if how == "bash" and not shutil.which("bash"):
        pytest.skip("no bash")
    folder = Path(programs.directory)
    (folder / "child.py").write_text(CHILD)
    (folder / "script").write_text(f"#!/bin/sh\nexec {sys.executable} $1\n")
    (folder / "script").chmod(0o755)
    (folder / "bin").mkdir()
    (folder / "bin" / "python3").symlink_to(sys.executable)
    (folder / "bin" / "sh").symlink_to("/bin/sh")
    command = re.sub(r"\bPYTHON\b", sys.executable, command).replace("FOLDER", str(folder / "bin"))
    same(RUN, how, command, env={"PYTHONUNBUFFERED": "1"})
    found = [trace for trace in programs.family() if trace.allocations(60_034)]
    assert len(found) == children
    for trace in found:
        trace.check_sound()
        assert trace.is_complete
        assert trace.metadata["started_by"] in ("spawn", "exec")


@pytest.mark.skipif(not SHELLS_ARE_FOLLOWED, reason="this Python has a loader of its own")
def test_shells_in_shells_hand_it_on(record: Any, programs: Any) -> None:
    record(
        f"""
        import os
        with open("one", "w") as file:
            file.write("{sys.executable} -c 'kept = bytes(60_001)'\\n")
        for script, inner in (("two", "one"), ("three", "two")):
            with open(script, "w") as file:
                file.write(f"sh ./{{inner}}; true\\n")
        assert os.system("sh ./three") == 0
        """
    )
    (child,) = programs.family()
    assert child.one(60_034)


def test_system_behaves_as_without(same: Any) -> None:
    same(
        """
        import os, signal, threading
        for command in ("exit 5", "kill -9 $$", "true", b"echo bytes", "grep Sig /proc/self/status",
                        "exec 2>&1; no-such-command"):
            print(command, os.system(command), flush=True)
        print(os.system(command="exit 3"))
        for wrong in ((), (3,), ("a\\0b",), ("a", "b")):
            try:
                print(os.system(*wrong))
            except Exception as error:
                print(type(error), error)
        signal.signal(signal.SIGQUIT, signal.SIG_IGN)
        print(os.system("grep SigIgn /proc/self/status"), signal.getsignal(signal.SIGQUIT))
        print(os.system("kill -INT $PPID"), signal.getsignal(signal.SIGINT), flush=True)
        threads = [threading.Thread(target=os.system, args=("sleep 0.1",)) for _ in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(signal.getsignal(signal.SIGINT), signal.pthread_sigmask(signal.SIG_BLOCK, []))
        """
    )


def test_audit_hooks_see_the_command(same: Any) -> None:
    same(
        """
        import os, sys
        def hook(event, arguments):
            if event == "os.system":
                print(arguments)
                raise PermissionError("not allowed")
        sys.addaudithook(hook)
        try:
            os.system("echo ran")
        except PermissionError as error:
            print(error)
        """
    )


STATIC = """
#include <stdio.h>
extern char **environ;
int main(void)
{
    for (char **variable = environ; *variable; variable++)
        puts(*variable);
    return 0;
}
"""


def test_program_of_another_loader_is_left_alone(same: Any, programs: Any, tmp_path: Path) -> None:
    """One that is linked statically, for instance: nothing could take the variables out again."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if not compiler:
        pytest.skip("no C compiler")
    source = tmp_path / "launcher.c"
    source.write_text(STATIC)
    launcher = programs.directory / "env"
    built = subprocess.run([compiler, "-static", "-o", launcher, source], stderr=subprocess.DEVNULL)
    if built.returncode:
        pytest.skip("no static C library")
    same(
        """
        import subprocess
        print(subprocess.run(["./env"], stdout=subprocess.PIPE).stdout)
        """
    )
