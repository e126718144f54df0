"""What is found out about the sites of a trace that may leak."""

from __future__ import annotations

import typing

from memlyze.analyses.call_stacks import Frame
from memlyze.analyses.ended_growth import FreedGrowth, StoppedGrowth
from memlyze.analyses.estimates import Estimate
from memlyze.analyses.references import Holders
from memlyze.analyses.unseen_memory import UnseenMemory

#: A pause at the end is spoken of where it is so great a share of the time that a site grew.
_NOTABLE = 0.2


class Cohort(typing.NamedTuple):
    """What a site allocated in one part of the process's life, and what of it stays."""

    start_ns: int
    allocated: int
    """Bytes (an estimate while sampling)."""
    surviving: int
    """Of `allocated`, live at `judged_until_ns`."""


class LeakSite(typing.NamedTuple):
    """One site of one process, and what is to be thought of it. Times are nanoseconds since the
    start of the trace.
    """

    function: str
    file: str
    line: int
    """0 where sites are functions, or it is many lines that grow together."""
    origin: str
    process_id: int
    """The first of `process_ids`, or the first of them that has a checkpoint."""
    process_ids: tuple[int, ...]
    """The processes in which something of it stays, the one that has most of it first. Those that
    are alike, such as the workers of a server, are judged as one: see `docs/leaks.md`.
    """
    processes_at_once: int
    """How many of these ran at one time, at most. Where they were more, what is said to be live is
    what all of them had together, each when it ended.
    """
    verdict: str
    """One of `VERDICTS`."""
    grew_until_freed: bool
    """Whether it is `freed_late`, near the end of the program, and passed all tests of growth up to
    then (`judged_until_ns`): a leak, if the program is meant to run on.
    """
    confidence: float
    """From 0 to 1."""
    p_value: float
    """Chance that such growth is an accident, corrected for all the sites that were tested."""
    live_bytes: Estimate
    """When recording ended."""
    peak_bytes: Estimate
    """When most was live."""
    growth_bytes_per_second: Estimate
    """Over the last two thirds of the time between the next two."""
    growing_since_ns: int
    judged_until_ns: int
    last_growth_ns: int
    """When it was seen to grow for the last time."""
    growth_bytes_per_window: Estimate | None
    """What a window of `window_name` leaves behind of this site, on average of all of these
    windows; None: made in no window. (What `windows` tells is of all sites, and of a part of the
    windows.)
    """
    window_name: str | None
    first_ns: int
    """When it was first seen to allocate."""
    survival: float
    """Share of the bytes allocated that were live at `judged_until_ns`, from 0 to 1."""
    cohorts: tuple[Cohort, ...]
    """By time of birth, in order."""
    curve: tuple[int, ...]
    """Live bytes over the life of the process (of several, added up at equal shares of the life
    of each), at equal distances.
    """
    collected_share: float
    """Of what was freed after a while, the share that the garbage collector freed."""
    samples: int
    live_samples: int
    stack: tuple[Frame, ...]
    """The call stack that most of it comes from, innermost frame first."""
    holders: Holders | None
    """Who holds what was live at the last checkpoint (of a site that `grew_until_freed`, at the
    one that saw most of it); None: there is none, or nothing was.
    """
    checkpoint_ns: int | None
    """When the last checkpoint of its process was taken that can be read; None: there is none."""
    is_checkpoint_damaged: bool
    """Whether there is none only because the trace is damaged: who holds it cannot be known."""
    process_started_by: str | None
    """How another recorded process started it, as in the view `processes`; None: none did."""
    process_ended_by: str | None
    """How its process ended, as in the view `processes`; None: not known."""
    leak: int | None
    """Which leak the site is a part of, from 1 on: by what the sites of one left behind the same
    object has grown (`container_id`). None: it is no suspect.
    """

    @property
    def is_of_successors(self) -> bool:
        """Whether it is in processes that did not all run at one time, as workers do that are
        replaced.
        """
        return self.processes_at_once < len(self.process_ids)

    @property
    def watched_ns(self) -> int:
        """For how long it was judged since it began to grow."""
        return self.judged_until_ns - self.growing_since_ns

    @property
    def pause_ns(self) -> int:
        """For how long it has not grown any more, where that is a fifth of the time that it was
        watched, or more; else 0.
        """
        pause_ns = self.judged_until_ns - self.last_growth_ns
        return pause_ns if pause_ns >= _NOTABLE * self.watched_ns else 0


class Leak(typing.NamedTuple):
    """What the suspects of one leak have together, also those that are not returned."""

    leak: int
    """Its number, as its sites have it."""
    sites: int
    live_bytes: Estimate
    """When recording ended."""
    growth_bytes_per_second: Estimate


class Leaks(typing.NamedTuple):
    """The verdicts on a trace."""

    site_kind: str
    is_exact: bool
    """Whether every allocation was recorded."""
    judged: dict[str, int]
    """How many sites have each verdict."""
    growing_leaks: int | None
    """How many leaks those are that grow: what one object holds is one. None: not known, as so many
    sites grow that not of all it was asked who holds them.
    """
    leaks: tuple[Leak, ...]
    """Those of the suspects of which it was asked who holds them, in the order of their numbers."""
    growth_bytes_per_second: Estimate
    """Of all growing sites together."""
    grew_until_freed: FreedGrowth
    """What is not growing at the end only because the program let go of it."""
    grew_until_stopped: StoppedGrowth
    """What grew and stopped before the end of the recording; its verdict is `one_time`."""
    unseen: UnseenMemory | None
    """What may have leaked where nothing of it is seen; None: little, if anything."""
    sites: tuple[LeakSite, ...]
    """Those that need attention first; of each verdict the greatest first. Of sites that grow about
    as fast, what holds the others comes first; those of one leak follow its first.
    """

    def having(self, verdict: str) -> tuple[LeakSite, ...]:
        """The returned sites with this verdict."""
        return tuple(site for site in self.sites if site.verdict == verdict)

    def suspects(self) -> tuple[LeakSite, ...]:
        """The returned sites that grow, and after them those that did until they were freed."""
        freed = (site for site in self.sites if site.grew_until_freed)
        return (*self.having("growing"), *freed)

    def suspects_by_leak(self) -> tuple[tuple[LeakSite, ...], ...]:
        """The suspects, those of one leak together: the site to look at first, and the others."""
        by_leak: dict[int | None, list[LeakSite]] = {}
        for site in self.suspects():
            by_leak.setdefault(site.leak, []).append(site)
        return tuple(map(tuple, by_leak.values()))
