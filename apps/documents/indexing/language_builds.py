"""Give a collection the multilingual embedding model as soon as somebody needs it.

The packaged model knows English. Where a document, or a question that is asked of a collection, is in another
language, the index of the collection is built anew beside the live one, and replaces it when it is ready. Nobody has
to choose; an owner can still go back under "Passages and search". `request_builds` is the entry point.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from apps.documents.indexing import shadow_build
from apps.documents.models import Chunk, Collection, IndexBuild
from apps.documents.settings import read_collection_settings

MAX_CHUNKS = 20_000  # of a collection, some 20 minutes of one core; the owner of a larger one decides


def request_builds(collections: Iterable[UUID], language: str) -> bool:
    """Begin to index anew those collections that the packaged model indexed, for texts or questions in a language.

    `language` is an ISO 639-1 code; nothing is done for English and "". A collection is left alone that has another
    build, of its owner or earlier: what was tried, failed or replaced is not begun again. Return whether some
    collection is being indexed anew.
    """
    if not settings.MULTILINGUAL_EMBEDDER or language in ("", "en"):
        return False
    name = settings.MULTILINGUAL_EMBEDDER
    asked = Collection.all_objects.filter(pk__in=list(collections)).exclude(search_settings__has_key="embedder")
    builds = IndexBuild.objects.filter(collection=OuterRef("pk"))
    running = asked.filter(builds__in=IndexBuild.objects.open(), builds__search_settings__embedder=name).exists()
    begun = [_begin(collection, name) for collection in asked.exclude(Exists(builds))]
    return running or any(begun)


def _begin(collection: Collection, embedder: str) -> bool:
    """Return whether a build was begun; not for a large collection, or if another process was quicker."""
    if Chunk.objects.filter(document__collection=collection).count() > MAX_CHUNKS:
        return False
    new_settings = replace(read_collection_settings(collection.search_settings), embedder=embedder)
    try:
        with transaction.atomic():
            shadow_build.begin(collection, new_settings, None, swap_when_built=True)
    except IntegrityError:  # a constraint allows one open build
        return False
    return True
