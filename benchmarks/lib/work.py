"""Counter of the work of turns: what a machine does for them, whatever else runs on it. Entry point: `count_work`."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any


def count_work(patch: Callable[[Any, str, Any], None]) -> Callable[[], Counter[str]]:
    """Count the work of this process in all threads; return the function that reads it since this call.

    Counted are `encoder_passes` and `encoder_texts`, `inference_pairs` that the model of inference reads, `queries` to
    the database, and `features`: texts whose features are extracted. `patch` replaces attributes, as `setattr` does.
    """
    from django.db.backends.utils import CursorWrapper

    from apps.engines import registry
    from apps.grounding import claim_features

    done: Counter[str] = Counter()
    lock = threading.Lock()

    def count(owner: Any, name: str, measure: Callable[..., dict[str, int]]) -> None:
        original = getattr(owner, name)

        def counted(*given: Any, **named: Any) -> Any:
            with lock:
                done.update(measure(*given))
            return original(*given, **named)

        patch(owner, name, counted)

    embedder = type(registry.get_embedder())
    count(embedder, "embed_query", lambda *_: {"encoder_passes": 1, "encoder_texts": 1})
    count(embedder, "embed_passages", lambda _, texts: {"encoder_passes": 1, "encoder_texts": len(texts)})
    count(type(registry.get_nli_engine()), "entailment_scores", lambda _, pairs, *__: {"inference_pairs": len(pairs)})
    count(CursorWrapper, "execute", lambda *_: {"queries": 1})
    count(CursorWrapper, "executemany", lambda *_: {"queries": 1})
    before = claim_features._extract_features.cache_info().misses

    def read() -> Counter[str]:
        with lock:
            return done + Counter({"features": claim_features._extract_features.cache_info().misses - before})

    return read
