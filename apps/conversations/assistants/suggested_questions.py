"""Suggest first questions, made from headings of documents that the user may read. Entry point: `suggest_questions`."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.utils.translation import get_language, gettext

from apps.documents.models import Chunk, Collection, Document
from apps.users.models import User

MAX_QUESTIONS = 3
_LONGEST = 60  # characters of a heading or title in a question
_HEADINGS = 40  # headings read per document
SEPARATOR = " › "


def suggest_questions(user: User, chosen: set[UUID]) -> list[str]:
    """Return up to three questions, the newest documents first, one per document if there are several.

    `chosen` are collection ids; empty means all that the user may read. For `in_db`.
    """
    visible = Collection.objects.visible_to(user)
    searched = visible.filter(pk__in=chosen) if chosen else visible
    ready = {"status": Document.Status.READY, "withheld": ""}
    documents = Document.objects.filter(collection__in=searched.values("pk"), **ready)
    found = [list(_make_questions(document)) for document in documents.order_by("-created")[:MAX_QUESTIONS]]
    rounds = [questions[turn] for turn in range(MAX_QUESTIONS) for questions in found if turn < len(questions)]
    return rounds[:MAX_QUESTIONS]


def _make_questions(document: Document) -> Iterator[str]:
    title = str(document)
    headings = (
        Chunk.objects.filter(document=document)
        .exclude(heading="")
        .order_by("position")
        .values_list("heading", flat=True)
    )
    for heading in dict.fromkeys(path.split(SEPARATOR)[-1].strip() for path in headings[:_HEADINGS]):
        if heading.endswith("?"):
            yield heading
        elif heading != title and max(len(heading), len(title)) <= _LONGEST:
            words = gettext("What does “%(title)s” say about %(heading)s?")
            yield words % {"title": title, "heading": _lower_heading(heading)}


def _lower_heading(heading: str) -> str:
    """Return the heading as it stands within a sentence: without initial capital, except in German and for names."""
    if get_language() == "de":
        return heading
    first = heading.split(maxsplit=1)[0]
    return heading if first[1:] != first[1:].lower() or len(first) == 1 else heading[0].lower() + heading[1:]
