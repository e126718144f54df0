"""The files of one recording: that of the program, and one for each process that comes from it.

The file of another process stands beside the first and is named after it and the process:
`trace.mlyze`, `trace.4711.mlyze`. Names are for people; what belongs together is told by ids in the
metadata.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # `typing` itself stays out of the recorded program
if TYPE_CHECKING:
    from collections.abc import Iterator

    from memlyze.handover import Value

_MOST_FILES_OF_A_PROCESS = 10_000


class Member:
    """One recording, and where it stands among those of its family.

    Attributes:
        first_file: path of the family's first file.
        family_id: what the files of the family have in common.
        recording_id: what no other file has.
        parent_recording_id: of the recording in whose process this process, or this program in the
            same process, was started; empty: of none.
        started_by: how: `fork`, `spawn` or `exec`; empty: by whoever started the recording.
        handed_on: further options for the programs that this process starts.
    """

    __slots__ = (
        "first_file",
        "family_id",
        "recording_id",
        "parent_recording_id",
        "started_by",
        "handed_on",
    )

    def __init__(
        self,
        first_file: str,
        family_id: str = "",
        parent_recording_id: str = "",
        started_by: str = "",
    ) -> None:
        self.first_file = first_file
        self.recording_id = os.urandom(8).hex()
        self.family_id = family_id or self.recording_id
        self.parent_recording_id = parent_recording_id
        self.started_by = started_by
        self.handed_on: dict[str, Value] = {}

    def forked(self) -> Member:
        """The same in a child that this process has forked."""
        child = Member(self.first_file, self.family_id, self.recording_id, "fork")
        child.handed_on = self.handed_on
        return child

    def files(self) -> Iterator[str]:
        """Paths for the file of this process beside the first one, the best one first: a process
        may have several files, and its id may be one that an earlier process had.
        """
        root, extension = os.path.splitext(self.first_file)
        root = f"{root}.{os.getpid()}"
        yield root + extension
        for number in range(2, _MOST_FILES_OF_A_PROCESS):
            yield f"{root}-{number}{extension}"

    def metadata(self) -> dict[str, str]:
        """What the file says about it."""
        said = {"family_id": self.family_id, "recording_id": self.recording_id}
        if self.parent_recording_id:
            said["parent_recording_id"] = self.parent_recording_id
        if self.started_by:
            said["started_by"] = self.started_by
        return said

    def handover(self) -> dict[str, Value]:
        """What a program is told that this process starts; see `from_handover`."""
        return {
            "first_file": self.first_file,
            "family_id": self.family_id,
            "parent_recording_id": self.recording_id,
            "parent_process_id": os.getpid(),
            **self.handed_on,
        }


def from_handover(options: dict[str, Value]) -> Member:
    """This process among its family, by the options that it was handed; they are taken out."""
    parent_recording_id = str(options.pop("parent_recording_id", ""))
    parent_process_id = options.pop("parent_process_id", 0)
    started_by = ""
    if parent_recording_id:
        started_by = "exec" if parent_process_id == os.getpid() else "spawn"
    return Member(
        str(options.pop("first_file")),
        str(options.pop("family_id", "")),
        parent_recording_id,
        started_by,
    )
