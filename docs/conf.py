"""Sphinx configuration: "make docs" builds the pages with it, and treats warnings as errors."""

from __future__ import annotations

from importlib.metadata import version as installed_version

project = "memlyze"
author = "The memlyze authors"
project_copyright = "2026 The memlyze authors"
release = installed_version("memlyze")
version = release

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
# Docstrings are written in the style of Google's guide, code in single backquotes.
default_role = "code"
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = f"memlyze {release}"
html_show_sphinx = False
