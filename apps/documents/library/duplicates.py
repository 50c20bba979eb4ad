"""Find copies of uploaded content in other collections, so that a user may open one instead of keeping two."""

from __future__ import annotations

from collections.abc import Iterable

from apps.documents.models import Collection, Document
from apps.users.models import User


def find_duplicates(user: User, collection: Collection, documents: Iterable[Document]) -> dict[str, Document]:
    """Return, by SHA-256 of the content, a ready document in another collection that the user may read; the newest of
    several.

    Withheld documents are never returned: a copy that answers may use would give way to one that they may not.
    """
    hashes = {row.sha256 for row in documents if row.sha256}
    ready = Document.objects.visible_to(user).filter(status=Document.Status.READY, withheld="")
    found = ready.filter(sha256__in=hashes)
    rows = found.exclude(collection=collection).select_related("collection").order_by("created")
    return {row.sha256: row for row in rows}
