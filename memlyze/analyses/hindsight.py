"""The verdict on a site once more, now that it is known how it was reached and who holds it."""

from __future__ import annotations

import typing

from memlyze.analyses.changed_places import freed_together, takes_the_place_of_others
from memlyze.analyses.free_lists import may_be_in_free_lists, seems_to_fill_free_lists
from memlyze.analyses.garbage import was_in_use
from memlyze.analyses.leak_sites import LeakSite
from memlyze.analyses.references import References
from memlyze.query.origins import is_import_machinery
from memlyze.query.session import Trace

_MOSTLY = 0.75
_OFTEN = 0.25
#: As good as at the end of what was watched: within this share of it.
_SOON = 0.02


def verdict_with_hindsight(
    trace: Trace, site: LeakSite, references: References, stack_ids: typing.Collection[int]
) -> str:
    """The verdict on `site`, which the call stacks `stack_ids` are.

    What modules leave that were imported is built once. It grows as long as they are imported, and
    then not any more, whatever time the program takes over what follows. What they do when they are
    loaded may go on, their code does not.

    A cache that has a maximum size and is not full yet grows as a leak does, and so do the
    interpreter's own free lists, and garbage that only a full run of the collector will find.
    """
    if site.verdict != "growing":
        return site.verdict
    is_import = [is_import_machinery(frame.file) for frame in site.stack]
    if any(is_import) and site.pause_ns:
        return "one_time"
    if any(is_import[:1]):
        return "warming_up"
    if site.holders is None:
        fills = seems_to_fill_free_lists(trace, stack_ids, site.judged_until_ns, site.survival)
        return "warming_up" if fills else site.verdict
    if site.holders.holder is not None and site.holders.holder.is_bounded:
        return "warming_up"
    # What is left of it at a checkpoint that came later tells nothing of what was there.
    if site.holders.time_ns - site.judged_until_ns <= _SOON * site.watched_ns:
        blocks = references.live_blocks(site.process_id, stack_ids)
        if may_be_in_free_lists(blocks, site.holders.blocks_without_object):
            return "warming_up"
        if site.holders.garbage_share >= _MOSTLY and site.collected_share >= _OFTEN:
            rows = references.live_rows(site.process_id, stack_ids)
            if not was_in_use(trace, site.process_id, rows, site.holders):
                return "sawtooth"
    if takes_the_place_of_others(
        trace,
        site.process_id,
        stack_ids,
        references.beside(site.process_id, stack_ids),
        site.growing_since_ns,
        # Afterwards the program may be letting go of the table, entry by entry.
        min(site.judged_until_ns, site.holders.time_ns),
        site.survival,
    ):
        return "bounded"
    return site.verdict


def took_the_place_of_others(
    trace: Trace,
    row: typing.Mapping[str, typing.Any],
    stack_ids: typing.Collection[int],
    references: References,
) -> bool:
    """Whether a site that grew until the program let go of it grew as what others had put into the
    same holder shrank: a row of the private table of leaks, and the call stacks that it is.

    What a checkpoint has seen in that holder is looked at; and what went in the same go, which was
    in it, perhaps, where none has seen it.
    """
    process_id, until_ns = row["process_id"], row["last_growth_ns"]
    at = references.when_fullest(process_id, stack_ids)
    seen_ns = at.time_ns(process_id)
    went = freed_together(trace, process_id, stack_ids, until_ns)
    places = [(went, until_ns)]
    if seen_ns is not None:
        places.append((at.beside(process_id, stack_ids), min(seen_ns, until_ns)))
    return any(
        takes_the_place_of_others(
            trace, process_id, stack_ids, beside, row["growing_since_ns"], at_ns, row["survival"]
        )
        for beside, at_ns in places
    )
