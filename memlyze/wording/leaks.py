"""What is said of leaks: verdicts, and who holds a suspect."""

from __future__ import annotations

from memlyze.analyses.references import Chain, Holders
from memlyze.wording.names import printable
from memlyze.wording.units import format_bytes, plural

#: What the verdicts are called.
WORDS = {
    "growing": "growing without bound",
    "warming_up": "still warming up",
    "too_few_samples": "too few samples",
    "freed_late": "freed in one go",
    "sawtooth": "rises and falls",
    "bounded": "bounded",
    "one_time": "built once, and stays",
}


def holder_lines(holders: Holders | None) -> list[str]:
    """Who holds it, in a few lines; empty: not known."""
    if holders is None:
        return []
    if holders.shortest is None:
        return ["no Python object: the memory is C code's own"]
    lines = []
    if holders.holder is not None:
        size = format_bytes(holders.holder.retained_bytes)
        lines.append(f"{printable(holders.holder.text)}, with which {size} would be freed")
    shown = list(holders.chains[:2])
    if all(chain.text != holders.shortest.text for chain in shown):
        shown.insert(0, holders.shortest)
    lines += [_chain(chain) for chain in shown]
    kinds = [
        f"{plural(kind.objects, 'object', 'objects')} of {kind.type}" for kind in holders.types[:3]
    ]
    lines.append("recorded of it: " + ", ".join(kinds))
    if holders.blocks_without_object:
        blocks = plural(holders.blocks_without_object, "block", "blocks")
        lines.append(f"and {blocks} that no known object has: C code's own")
    return lines


def _chain(chain: Chain) -> str:
    return f"{100 * chain.share:.0f} %  {printable(chain.text)}"
