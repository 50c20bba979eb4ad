"""Find withheld documents that match a question, so that an empty search can name them to users who may edit them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from apps.documents.models import Chunk, Document
from apps.lib.text.analyzer import extract_content_terms
from apps.users.models import User

_MAX_DOCUMENTS = 20  # withheld documents that are read
_MAX_CHUNKS = 1000  # chunks of them together; reading these takes half a second
_MAX_NAMES = 3  # documents that are returned
_MIN_SHARE = 0.5  # of the question's content words that a passage must hold


def find_withheld_matches(user: User, question: str, collections: Sequence[UUID] = ()) -> list[str]:
    """Return the names of at most 3 withheld documents with a passage that holds half the question's content words.

    Only the 20 newest withheld documents that the user may edit are read, and 1,000 of their chunks, so that an empty
    answer comes soon. `collections` limits them; empty: all.
    """
    rows = Document.objects.editable_by(user).exclude(withheld="").filter(status=Document.Status.READY)
    rows = rows.filter(collection__in=collections) if collections else rows.listed()
    titles = {row.pk: str(row) for row in rows.order_by("-created")[:_MAX_DOCUMENTS]}
    terms = set(extract_content_terms(question))
    if not titles or not terms:
        return []
    matches: dict[UUID, None] = {}
    texts = Chunk.objects.filter(document__in=titles).values_list("document", "text")
    for document, text in texts[:_MAX_CHUNKS].iterator():
        if len(terms.intersection(extract_content_terms(text))) >= _MIN_SHARE * len(terms):
            matches[document] = None
    return [titles[pk] for pk in matches][:_MAX_NAMES]
