"""Functions and files whose names would do harm where they are taken for HTML."""

from __future__ import annotations

NAMES = [
    "<img src=x onerror=window.harmed=1>",
    "<script>window.harmed=1</script>",
    "control\\x00\\x1b[31m\\n",
    "x" * 10_000,
    "\u05e2\u05d1\u05e8\u05d9\u05ea\u202egpj",
]
KEPT = []
for name in NAMES:
    scope = {"KEPT": KEPT}
    source = "def hostile():\n    KEPT.append(bytearray(300_000))\nhostile()\n"
    code = compile(source, name.replace("\x00", ""), "exec")
    inner = next(constant for constant in code.co_consts if hasattr(constant, "co_code"))
    renamed = inner.replace(co_name=name)
    function = type(lambda: 0)(renamed, scope)
    function.__qualname__ = name
    function()
