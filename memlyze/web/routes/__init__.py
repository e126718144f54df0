"""What answers which path of the contract. An answer is a function of what was asked."""

from __future__ import annotations

from memlyze.web.requests import Answer
from memlyze.web.routes import curves, overview, stacks, verdicts, windows

ANSWERS: tuple[tuple[str, Answer], ...] = (
    ("/api/info", overview.info),
    ("/api/lanes", overview.lanes),
    ("/api/schema", overview.schema),
    ("/api/timeline", curves.timeline),
    ("/api/timeline/resident", curves.resident),
    ("/api/timeline/stacked", curves.stacked),
    ("/api/heatmap/sites", curves.site_heatmap),
    ("/api/heatmap/lifetimes", curves.lifetime_heatmap),
    ("/api/flamegraph", stacks.flame_graph),
    ("/api/hotspots", stacks.hotspot_table),
    ("/api/spike", stacks.spike),
    ("/api/source", stacks.source),
    ("/api/source/files", stacks.source_files),
    ("/api/windows", windows.listed),
    ("/api/windows/names", windows.names),
    ("/api/windows/{window_id}", windows.one),
    ("/api/leaks", verdicts.suspects),
    ("/api/compare", verdicts.compared),
)
