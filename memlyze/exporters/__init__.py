"""What other tools read: one file for each format.

An exporter is given an opened trace and a file to write to. `views` writes the views themselves,
in the formats of tables; the others write what call stacks allocated.
"""

from __future__ import annotations
