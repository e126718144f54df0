# cython: language_level=3
"""The recorder: a literal wrapper of the C in ``core/`` and ``cpython/``."""
