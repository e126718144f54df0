"""What a report says, with a suspect whose holders are known put into it."""

from __future__ import annotations

from typing import Any

from memlyze.analyses.estimates import Estimate
from memlyze.analyses.leak_sites import LeakSite
from memlyze.analyses.references import Chain, HeldType, Holders


def suspect(text: str) -> LeakSite:
    """A site that grows, and is held by what `text` says."""
    chain = Chain(text=text, root="module", share=0.9)
    holders = Holders(
        time_ns=20,
        objects=10,
        bytes=800,
        retained_bytes=900,
        types=(HeldType("app.Session", 10, 800),),
        shortest=chain,
        chains=(chain,),
    )
    return LeakSite(
        function="load",
        file="/srv/app/main.py",
        line=20,
        origin="program",
        process_id=7,
        process_ids=(7,),
        processes_at_once=1,
        verdict="growing",
        grew_until_freed=False,
        confidence=0.99,
        p_value=0.001,
        live_bytes=Estimate(1 << 20, 0),
        peak_bytes=Estimate(1 << 20, 0),
        growth_bytes_per_second=Estimate(1 << 10, 0),
        growing_since_ns=1,
        judged_until_ns=20,
        last_growth_ns=20,
        growth_bytes_per_window=None,
        window_name=None,
        first_ns=1,
        survival=1.0,
        cohorts=(),
        curve=(1, 2, 3),
        collected_share=0.0,
        samples=100,
        live_samples=100,
        stack=(),
        holders=holders,
        checkpoint_ns=20,
        is_checkpoint_damaged=False,
        process_started_by=None,
        process_ended_by="exit",
        leak=1,
    )


def held_by(content: Any, text: str, *, parts: int = 0, more: int = 0) -> Any:
    """The content with a site that grows and is held by what `text` says, so many other lines that
    are parts of the same leak, and so many more that are not listed.
    """
    site = suspect(text)
    judged = {**content.leaks.judged, "growing": 1 + parts + more}
    growth = site.growth_bytes_per_second
    others = tuple(site._replace(line=site.line + n) for n in range(1, parts + 1))
    leaks = content.leaks._replace(
        judged=judged, growing_leaks=1, sites=(site, *others), growth_bytes_per_second=growth
    )
    return content._replace(leaks=leaks)
