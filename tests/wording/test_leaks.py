"""What is said of who holds a suspect, and where it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from known_trace import write_known_trace
from suspect import held_by

import memlyze
from memlyze.analyses.leak_sites import LeakSite
from memlyze.analyses.references import Chain, Holder
from memlyze.report.content import gather
from memlyze.report.figures import place_text
from memlyze.wording.leaks import confidence_text, held_by_lines, pause_text
from memlyze.wording.places import short_place


@pytest.fixture
def site(tmp_path: Path) -> LeakSite:
    with memlyze.open(write_known_trace(tmp_path / "t.mlyze")) as trace:
        content = gather(trace, title="t", notes=[])
    (found,) = held_by(content, "app.LOG → Entry").leaks.sites
    assert isinstance(found, LeakSite)
    return found


def told(site: LeakSite, *shares: float) -> list[str]:
    """The chains with these shares, as they are shown."""
    chains = tuple(Chain(f"chain {number}", "module", share) for number, share in enumerate(shares))
    assert site.holders is not None
    holders = site.holders._replace(chains=chains, shortest=chains[-1])
    return [line for line in held_by_lines(site._replace(holders=holders)) if "chain" in line]


def test_chains_of_no_percent_are_left_out_but_for_one_that_is_alone(site: LeakSite) -> None:
    assert told(site, 0.996, 0.004) == ["100 %  chain 0"]
    assert told(site, 0.6, 0.006) == ["60 %  chain 0", "1 %  chain 1"]
    assert told(site, 0.0025, 0.0025) == ["<1 %  chain 0"]


def test_shortest_chain_stands_where_its_share_is(site: LeakSite) -> None:
    shown = ["46 %  chain 0", "30 %  chain 1", "6 %  chain 2"]
    assert told(site, 0.46, 0.30, 0.06) == shown


def test_worker_that_its_pool_ended_is_to_end_by_itself(site: LeakSite) -> None:
    """Nobody types ^C to the workers of a pool, which ends them by SIGTERM; nor is it more to those
    of a server.
    """
    ended = site._replace(holders=None, checkpoint_ns=None, process_ended_by="SIGTERM")
    (of_program,) = held_by_lines(ended)
    (of_worker,) = held_by_lines(ended._replace(process_started_by="fork"))
    assert "it was ended by SIGTERM; end it by ^C (SIGINT), record with --checkpoint-" in of_program
    (of_several,) = held_by_lines(ended._replace(process_ids=(7, 8)))
    assert "it was ended by SIGTERM; record with --checkpoint-interval-s" in of_several
    assert "^C" not in of_worker
    assert "let it end by itself (workers of a Pool: pool.close(), pool.join())" in of_worker


def test_when_a_heap_was_looked_at_is_told_where_that_was_long_before_the_end(
    site: LeakSite,
) -> None:
    assert site.holders is not None

    def last_line(looked_at_ns: int, last_ns: int) -> str:
        holders = site.holders._replace(time_ns=looked_at_ns) if site.holders else None
        return held_by_lines(
            site._replace(
                holders=holders, checkpoint_ns=last_ns, judged_until_ns=10**9, growing_since_ns=0
            )
        )[-1]

    assert last_line(95 * 10**7, 95 * 10**7).startswith("recorded of it")
    assert last_line(7 * 10**8, 7 * 10**8) == "as it was at 700 ms, at its last checkpoint"
    assert last_line(7 * 10**8, 10**9) == "as it was at 700 ms, at an earlier checkpoint"


def test_path_of_a_program_in_a_folder_above_is_shown_without_the_way_there() -> None:
    file = "/srv/app/run/../worker.py"
    assert short_place("work", file, 3) == "/srv/app/worker.py:3 work"
    assert place_text(file, 3, "/srv/app/run") == "/srv/app/worker.py:3"
    assert place_text(file, 3, "/srv/app") == "worker.py:3"


def test_no_verdict_is_said_to_be_certain(site: LeakSite) -> None:
    assert confidence_text(site._replace(confidence=0.99999)) == "over 99 %"
    assert confidence_text(site._replace(confidence=0.946)) == "95 %"


def test_gap_between_few_samples_is_no_pause(site: LeakSite) -> None:
    paused = site._replace(judged_until_ns=1000, growing_since_ns=0, last_growth_ns=700)
    assert pause_text(paused._replace(live_samples=7)) is None
    assert pause_text(paused._replace(live_samples=10)) == "not seen to grow for the last 0.30 µs"


def test_memory_of_c_code_is_not_said_to_be_counted(site: LeakSite) -> None:
    holder = Holder("app.POOL", "list", 1 << 20, 1.0, is_bounded=False)

    def lines(objects: int, blocks: int, holder: Holder = holder) -> list[str]:
        assert site.holders is not None
        holders = site.holders._replace(
            objects=objects, blocks_without_object=blocks, holder=holder
        )
        return held_by_lines(site._replace(holders=holders))

    for few in (0, 1):
        assert lines(20, few)[0] == "app.POOL, with which 1.00 MiB would be freed"
        assert not any("C code" in line for line in lines(20, few))
    counted = "1.00 MiB of Python objects would be freed, and what C code has for them"
    assert lines(9, 26)[0] == f"app.POOL, with which {counted}"
    assert lines(9, 26)[-1].startswith("and 26 blocks of C code, which Python objects may own")
    assert lines(9, 27)[0].startswith("not known for the most part: 27 blocks of C code")
    assert lines(9, 27)[1] == f"app.POOL, with which {counted}"
    half = lines(9, 1, holder._replace(share=0.6))[0]
    assert half.endswith(
        "with which 60 % of these would be freed, 1.00 MiB of Python objects in all, "
        "and what C code has for them"
    )
    assert site.holders is not None
    unseen = site.holders._replace(objects=0, blocks_without_object=1, shortest=None)
    (line,) = held_by_lines(site._replace(holders=unseen))
    assert line.startswith("not known: 1 block of C code, which Python objects may own")
