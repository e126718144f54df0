"""`memlyze report`: a trace as one page that needs nothing else, or as Markdown.

`content` asks the analyses, `page` and `markdown` write down what they say. The page is made of
elements and never of text that is put together: what a traced program calls its functions stays
text.
"""

from __future__ import annotations
