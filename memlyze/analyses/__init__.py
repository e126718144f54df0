"""Answers made from the views: plain data for the command line, the web interface and exporters.

An analysis is given an opened trace and never opens a file.
"""

from __future__ import annotations
