"""Copy the built web UI into the sdist (called by "meson dist").

git ignores memlyze/web/static, so the archive that meson makes of the repository lacks it. An sdist
without the pages would install a memlyze without its web UI, so their absence is an error.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

STATIC = Path("memlyze") / "web" / "static"


def main() -> None:
    built = Path(os.environ["MESON_SOURCE_ROOT"]) / STATIC
    if not (built / "index.html").is_file():
        sys.exit(f"{built} has no index.html; an sdist needs the web UI: run 'make webui' first")
    shutil.copytree(built, Path(os.environ["MESON_DIST_ROOT"]) / STATIC, dirs_exist_ok=True)


if __name__ == "__main__":
    main()
