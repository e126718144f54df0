# cython: language_level=3
"""The fast trace decoder: a literal wrapper of ``core/decoder.h``."""
