"""How one collection is cut and searched, where its owner wants it otherwise than it is by default. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

TARGET_TOKENS = 200  # of a chunk with its headings; chunks of about this size found the most in measurements
VECTOR_WEIGHT = 0.5  # of vectors in the ranking, of which words get the rest
# Probability that the best passage has to do with the question. Saying "nothing found" of what is there is some 13
# times as bad as showing what is of no use.
RELEVANCE_THRESHOLD = 0.07


@dataclass(frozen=True, slots=True)
class ValueBounds:
    """What a value may be; `step` is that of a field in a page."""

    low: float
    high: float
    step: float


@dataclass(frozen=True, slots=True)
class CollectionSettings:
    """`chunk_tokens` is the size at which passages are cut, headings included; `meaning` the weight of meaning in the
    ranking, of which words get the rest; `floor` the relevance below which a passage is not used; `rerank` whether the
    re-ranker of the site, where it has one, reads the best again; `embedder` which of `EMBED_MORE` makes the vectors,
    by name, and "" the site's own."""

    chunk_tokens: int = TARGET_TOKENS
    meaning: float = VECTOR_WEIGHT
    floor: float = RELEVANCE_THRESHOLD
    rerank: bool = True
    embedder: str = ""

    @property
    def kept(self) -> dict[str, Any]:
        """As a row holds it: what differs from the default."""
        return {name: value for name, value in asdict(self).items() if value != getattr(DEFAULT_SETTINGS, name)}


DEFAULT_SETTINGS = CollectionSettings()
SETTING_BOUNDS = {
    "chunk_tokens": ValueBounds(60, 240, 10),
    "meaning": ValueBounds(0.0, 1.0, 0.05),
    "floor": ValueBounds(0.0, 0.9, 0.01),
}


def read_collection_settings(kept: Mapping[str, Any] | None) -> CollectionSettings:
    """What a row holds, whatever it holds: a value that is none is the default, one too large or small the nearest."""
    found: dict[str, Any] = {}
    for field in fields(CollectionSettings):
        value, limit = (kept or {}).get(field.name), SETTING_BOUNDS.get(field.name)
        if limit is None and type(value) is type(getattr(DEFAULT_SETTINGS, field.name)):
            found[field.name] = value
        elif limit and isinstance(value, int | float) and not isinstance(value, bool):
            found[field.name] = type(getattr(DEFAULT_SETTINGS, field.name))(min(limit.high, max(limit.low, value)))
    return CollectionSettings(**found)


def average_vector_weight(tunings: Mapping[Any, CollectionSettings]) -> float:
    """The weight of meaning in a search over several collections: the mean of theirs."""
    return sum(item.meaning for item in tunings.values()) / len(tunings) if tunings else DEFAULT_SETTINGS.meaning
