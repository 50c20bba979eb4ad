"""Find pictures by the meaning of their prompts, with vectors of the documents' embedding model."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from apps.engines import registry
from apps.engines.types import EngineError
from apps.images.models import Picture

if TYPE_CHECKING:
    from django.db.models import QuerySet

log = logging.getLogger(__name__)

MIN_SIMILARITY = 0.35  # cosine below which a prompt counts as unrelated
_MOST = 5000  # newest pictures of a user that are compared
_BATCH = 64


def embed_prompt(text: str) -> dict[str, Any]:
    """Return the vector fields of a picture's row; {} if the embedder fails, and the sweep adds them later."""
    try:
        vector = registry.get_embedder().embed_query(text).astype(np.float32)
    except EngineError as error:
        log.warning("A prompt has no vector yet: %s", error)
        return {}
    return {"vector": vector.tobytes(), "vector_embedder": registry.get_embedder().fingerprint[:200]}


def find_nearest(rows: QuerySet[Picture], text: str) -> list[UUID]:
    """Return the ids of pictures whose prompts mean something similar, nearest first. Raises EngineError.

    Compares the newest `_MOST` of `rows` with a vector of the present embedder.
    """
    embed = registry.get_embedder()
    candidates = list(
        rows.filter(vector_embedder=embed.fingerprint[:200]).order_by("-created").values_list("pk", "vector")[:_MOST]
    )
    if not candidates:
        return []
    query_vector = np.asarray(embed.embed_query(text), np.float32).reshape(-1)
    vectors = np.stack([np.frombuffer(bytes(vector), np.float32) for _, vector in candidates])
    cosines = vectors @ query_vector
    order = np.argsort(-cosines, kind="stable")
    return [candidates[at][0] for at in order if cosines[at] >= MIN_SIMILARITY]


def embed_missing() -> int:
    """Store vectors for up to `_BATCH` prompts that lack one of the present embedder, and return how many. For the
    worker."""
    embed = registry.get_embedder()
    lacking = Picture.objects.exclude(vector_embedder=embed.fingerprint[:200]).exclude(prompt="").order_by("-created")
    rows = list(lacking.only("pk", "prompt")[:_BATCH])
    if not rows:
        return 0
    vectors = embed.embed_passages([row.prompt for row in rows])
    for row, vector in zip(rows, vectors, strict=True):
        content = np.asarray(vector, np.float32).tobytes()
        Picture.objects.filter(pk=row.pk).update(vector=content, vector_embedder=embed.fingerprint[:200])
    return len(rows)
