"""Pictures found by what they mean: the vectors of their prompts, made by the embedder of the documents."""

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

MIN_SIMILARITY = 0.35  # cosine below which a prompt means something else
_MOST = 5000  # pictures of one person that are compared; the newest
_BATCH = 64


def embed_prompt(text: str) -> dict[str, Any]:
    """The fields of a row; empty where the embedder is away, and then the sweep makes them up."""
    try:
        vector = registry.get_embedder().embed_query(text).astype(np.float32)
    except EngineError as error:
        log.warning("A prompt has no vector yet: %s", error)
        return {}
    return {"vector": vector.tobytes(), "vector_by": registry.get_embedder().fingerprint[:200]}


def find_nearest(rows: QuerySet[Picture], text: str) -> list[UUID]:
    """Those of the rows whose prompts mean something like the text, the nearest first. Raises EngineError."""
    embed = registry.get_embedder()
    found = list(
        rows.filter(vector_by=embed.fingerprint[:200]).order_by("-created").values_list("pk", "vector")[:_MOST]
    )
    if not found:
        return []
    wanted = np.asarray(embed.embed_query(text), np.float32).reshape(-1)
    vectors = np.stack([np.frombuffer(bytes(vector), np.float32) for _, vector in found])
    cosines = vectors @ wanted
    order = np.argsort(-cosines, kind="stable")
    return [found[at][0] for at in order if cosines[at] >= MIN_SIMILARITY]


def embed_missing() -> int:
    """Prompts of before, or of another embedder, get their vectors; how many did. For the worker, a batch at a time."""
    embed = registry.get_embedder()
    lacking = Picture.objects.exclude(vector_by=embed.fingerprint[:200]).exclude(prompt="").order_by("-created")
    rows = list(lacking.only("pk", "prompt")[:_BATCH])
    if not rows:
        return 0
    vectors = embed.embed_passages([row.prompt for row in rows])
    for row, vector in zip(rows, vectors, strict=True):
        content = np.asarray(vector, np.float32).tobytes()
        Picture.objects.filter(pk=row.pk).update(vector=content, vector_by=embed.fingerprint[:200])
    return len(rows)
