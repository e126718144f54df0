"""The pages of the blog."""

from __future__ import annotations

import csv
import io
from typing import Any

from django.core.cache import cache
from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

comment_published = Signal()


def article(request: HttpRequest, number: int) -> HttpResponse:
    page = cache.get(number)
    if page is None:
        paragraphs = [f"Paragraph {part} of article {number}. " * 20 for part in range(60)]
        page = render_to_string("article.html", {"number": number, "paragraphs": paragraphs})
        cache.set(number, page)
    return HttpResponse(page)


class Comment:
    def __init__(self) -> None:
        self.words = [f"word {number} of a comment" for number in range(300)]


def comment(request: HttpRequest) -> HttpResponse:
    written = Comment()

    def notify(sender: Any, **news: Any) -> int:
        return len(written.words)

    comment_published.connect(notify, weak=False)  # never disconnected
    return JsonResponse({"words": len(written.words)})


def export(request: HttpRequest) -> HttpResponse:
    rows = [[row, row * 1.5, f"article {row}"] for row in range(60_000)]
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return HttpResponse(f"{len(text.getvalue())} characters", content_type="text/plain")
