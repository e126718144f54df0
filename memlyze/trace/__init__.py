"""Reading of `.mlyze` traces: the format, the readers and their tables.

Knows nothing of recording and nothing of SQL.
"""
