"""Which sites are parts of one leak."""

from __future__ import annotations

from typing import Any

from suspect import suspect

from memlyze.analyses.containers import Container
from memlyze.analyses.leak_parts import _held_by
from memlyze.analyses.leak_sites import LeakSite
from memlyze.analyses.references import Holder

BUFFERS, OTHERS = 17, 18


def site_of(**of_holders: Any) -> LeakSite:
    """A site that grows, with what is known of its holders beside the chains."""
    site = suspect("held by app.BUFFERS → dict[9]")
    assert site.holders is not None
    return site._replace(holders=site.holders._replace(**of_holders))


def holder(object_id: int, share: float = 1.0) -> Holder:
    return Holder(
        "app.BUFFERS → dict[9]", "dict", 900, share, is_bounded=False, object_id=object_id
    )


def alike(text: str = "app.BUFFERS → […] → dict") -> Container:
    """Several dicts that are alike, each with a part."""
    return Container(object_id=None, objects=9, text=text, type="dict", share=1.0)


def test_what_several_alike_have_is_of_the_leak_of_the_object_above_them() -> None:
    many = site_of(holder=holder(BUFFERS), containers=(alike(),))
    few = site_of(holder=holder(BUFFERS), container_id=BUFFERS)
    first, second = _held_by([many, few])
    assert first == second is not None
    assert len(set(_held_by([few, many]))) == 1


def test_what_others_have_is_another_leak() -> None:
    many = site_of(holder=holder(BUFFERS), containers=(alike(),))
    elsewhere = site_of(holder=holder(OTHERS), container_id=OTHERS)
    assert len(set(_held_by([many, elsewhere]))) == 2
    shared = site_of(holder=holder(OTHERS, share=0.6), containers=(alike(),))
    assert len(set(_held_by([shared, elsewhere]))) == 2
