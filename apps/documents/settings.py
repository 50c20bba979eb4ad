"""Settings of one collection for chunking and search, where its owner changed the defaults. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from statistics import fmean
from typing import Any

from apps.reading.chunking.chunker import TARGET_TOKENS

VECTOR_WEIGHT = 0.5  # of vectors in the fused score; words get the rest
# Relevance, 0 to 1, that the best passage must have. A wrong "nothing found" is weighed about 13 times as heavily as a
# passage that does not help.
RELEVANCE_THRESHOLD = 0.07


@dataclass(frozen=True, slots=True)
class ValueBounds:
    """Bounds of a setting; `step` is that of its form field."""

    low: float
    high: float
    step: float


@dataclass(frozen=True, slots=True)
class CollectionSettings:
    """Settings of a collection.

    - `chunk_tokens`: target size of chunks in tokens, headings included.
    - `vector_weight`: weight of vectors in the fused score, 0 to 1; words get the rest.
    - `relevance_threshold`: relevance, 0 to 1, below which a passage is not used.
    - `rerank`: whether the site's reranker, if there is one, reorders the best candidates.
    - `embedder`: name of an embedder of EMBED_MORE; "" is the site's own.
    """

    chunk_tokens: int = TARGET_TOKENS
    vector_weight: float = VECTOR_WEIGHT
    relevance_threshold: float = RELEVANCE_THRESHOLD
    rerank: bool = True
    embedder: str = ""

    @property
    def stored(self) -> dict[str, Any]:
        """Return the values that differ from the default, as stored in `Collection.search_settings`."""
        return {name: value for name, value in asdict(self).items() if value != getattr(DEFAULT_SETTINGS, name)}


DEFAULT_SETTINGS = CollectionSettings()
SETTING_BOUNDS = {
    "chunk_tokens": ValueBounds(60, 240, 10),
    "vector_weight": ValueBounds(0.0, 1.0, 0.05),
    "relevance_threshold": ValueBounds(0.0, 0.9, 0.01),
}


def read_collection_settings(stored: Mapping[str, Any] | None) -> CollectionSettings:
    """Return the settings of a stored mapping, whatever it holds.

    A value of the wrong type becomes the default, a number out of bounds the nearest bound.
    """
    values: dict[str, Any] = {}
    for field in fields(CollectionSettings):
        value, limit = (stored or {}).get(field.name), SETTING_BOUNDS.get(field.name)
        if limit is None and type(value) is type(getattr(DEFAULT_SETTINGS, field.name)):
            values[field.name] = value
        elif limit and isinstance(value, int | float) and not isinstance(value, bool):
            values[field.name] = type(getattr(DEFAULT_SETTINGS, field.name))(min(limit.high, max(limit.low, value)))
    return CollectionSettings(**values)


def average_vector_weight(settings: Mapping[Any, CollectionSettings]) -> float:
    """Return the weight of vectors in a search over several collections: their mean; the default for none."""
    return fmean(own.vector_weight for own in settings.values()) if settings else VECTOR_WEIGHT
