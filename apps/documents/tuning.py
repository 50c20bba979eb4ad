"""How one collection is cut and searched, where its owner wants it otherwise than it is by default. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from apps.documents.chunking import TARGET_TOKENS
from apps.documents.fusion import MEANING
from apps.documents.relevance import FLOOR


@dataclass(frozen=True, slots=True)
class Limit:
    """What a value may be; `step` is that of a field in a page."""

    low: float
    high: float
    step: float


@dataclass(frozen=True, slots=True)
class Tuning:
    """`chunk_tokens` is the size at which passages are cut, headings included; `meaning` the weight of meaning in the
    ranking, of which words get the rest; `floor` the relevance below which a passage is not used; `rerank` whether the
    re-ranker of the site, where it has one, reads the best again; `embedder` which of `EMBED_MORE` makes the vectors,
    by name, and "" the site's own."""

    chunk_tokens: int = TARGET_TOKENS
    meaning: float = MEANING
    floor: float = FLOOR
    rerank: bool = True
    embedder: str = ""

    @property
    def kept(self) -> dict[str, Any]:
        """As a row holds it: what differs from the default."""
        return {name: value for name, value in asdict(self).items() if value != getattr(DEFAULT, name)}


DEFAULT = Tuning()
LIMITS = {
    "chunk_tokens": Limit(60, 240, 10),
    "meaning": Limit(0.0, 1.0, 0.05),
    "floor": Limit(0.0, 0.9, 0.01),
}


def tuning(kept: Mapping[str, Any] | None) -> Tuning:
    """What a row holds, whatever it holds: a value that is none is the default, one too large or small the nearest."""
    found: dict[str, Any] = {}
    for field in fields(Tuning):
        value, limit = (kept or {}).get(field.name), LIMITS.get(field.name)
        if limit is None and type(value) is type(getattr(DEFAULT, field.name)):
            found[field.name] = value
        elif limit and isinstance(value, int | float) and not isinstance(value, bool):
            found[field.name] = type(getattr(DEFAULT, field.name))(min(limit.high, max(limit.low, value)))
    return Tuning(**found)


def together(tunings: Mapping[Any, Tuning]) -> float:
    """The weight of meaning in a search over several collections: the mean of theirs."""
    return sum(item.meaning for item in tunings.values()) / len(tunings) if tunings else DEFAULT.meaning
