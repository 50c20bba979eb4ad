"""The same content in another collection, which a person may open instead of keeping it twice."""

from __future__ import annotations

from collections.abc import Iterable

from apps.documents.models import Collection, Document
from apps.users.models import User


def find_duplicates(user: User, collection: Collection, documents: Iterable[Document]) -> dict[str, Document]:
    """By hash of the content, a ready document elsewhere that holds the same, where this person may read it.

    Never one that a reviewer took out of every answer: a copy that answers may use would give way to it.
    """
    hashes = {row.sha256 for row in documents if row.sha256}
    ready = Document.objects.visible_to(user).filter(status=Document.Status.READY, withheld="")
    found = ready.filter(sha256__in=hashes)
    rows = found.exclude(collection=collection).select_related("collection").order_by("created")
    return {row.sha256: row for row in rows}
