"""Reorder the best candidates by the reranker of RANK_MODEL, which reads question and passage together."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from apps.documents.retrieval import candidates
from apps.engines import registry
from apps.engines.types import Candidate, EngineError
from apps.lib.concurrency.threads import in_db, in_pool

if TYPE_CHECKING:
    from apps.users.models import AnyUser

log = logging.getLogger(__name__)

MAX_CANDIDATES = 20  # a small model scores them in about half a second on two cores
Order = Sequence[tuple[float, Candidate]]


async def rerank_candidates(user: AnyUser, question: str, order: Order) -> Order:
    """Return the first MAX_CANDIDATES in the order of the reranker, then the rest in their old order.

    Returns `order` unchanged if the reranker fails, which is logged. Only texts that the user may read are passed to
    it.
    """
    first = [candidate for _, candidate in order[:MAX_CANDIDATES]]
    texts = await in_db(candidates.load_texts, user, [candidate.chunk_id for candidate in first])
    read = [candidate for candidate in first if candidate.chunk_id in texts]
    try:
        scores = await in_pool(
            registry.get_reranker().scores, question, [texts[candidate.chunk_id] for candidate in read]
        )
    except EngineError as error:
        log.error("The re-ranker failed, passages stay as search found them: %s", error)
        return order
    highest = order[0][0] if order else 0.0  # puts all reranked candidates before the others
    known = {candidate.chunk_id: highest + score for candidate, score in zip(read, scores, strict=True)}
    again = [(known.get(candidate.chunk_id, score), candidate) for score, candidate in order]
    return sorted(again, key=lambda pair: -pair[0])
