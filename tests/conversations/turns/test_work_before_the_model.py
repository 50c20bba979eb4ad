"""Work of one question until the model is asked: counted, since times differ between machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.db.backends.utils import CursorWrapper

from apps.conversations.assistants import answer_style
from apps.conversations.turns import generation, runner
from apps.documents.models import Collection
from apps.engines import registry
from apps.grounding import claim_features

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "How high was the lighthouse of Alexandria?"
MAX_QUERIES = 18  # measured 16, from the message on the socket to the request; what runs beside may add some
MAX_FEATURES = 7  # texts whose features are extracted; measured 6 for two passages of three sentences


@pytest.fixture
def model_is_asked() -> None:
    """Leave the product as it is, in place of the fixture of the same name for all other tests."""


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Yield the work done so far in all threads, by kind."""
    done: Counter[str] = Counter()

    def count(owner: Any, name: str, kind: str) -> None:
        original = getattr(owner, name)

        def counted(*given: Any, **named: Any) -> Any:
            done[kind] += 1
            return original(*given, **named)

        monkeypatch.setattr(owner, name, counted)

    monkeypatch.setattr(answer_style, "PROFILE_AGE_S", 60.0)
    count(CursorWrapper, "execute", "queries")
    count(type(registry.get_embedder()), "embed_query", "embedded questions")
    count(type(registry.get_passage_reader()), "read", "reader passes")
    yield done


async def test_passages_are_read_once_before_the_model_and_no_sentence_is_embedded(
    page: Any, library: Collection, work: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before_model: list[Counter[str]] = []
    stream_answer = generation.stream_answer

    async def stream_counted(*given: Any) -> None:
        features = claim_features._extract_features.cache_info().misses
        before_model.append(work + Counter({"features": features}))
        await stream_answer(*given)

    monkeypatch.setattr(generation, "stream_answer", stream_counted)
    await page.ask_to_end("How far is the moon?")  # reads what is kept for later questions, as the profile of the model
    await runner.wait_until_idle()
    before_model.clear()
    claim_features._extract_features.cache_clear()
    work.clear()
    await page.ask(QUESTION)
    events = await page.events()
    assert "quotes" in [event["type"] for event in events]
    (done,) = before_model
    assert done["embedded questions"] == 1 and done["reader passes"] == 1, done
    assert 0 < done["features"] <= MAX_FEATURES, done
    assert done["queries"] <= MAX_QUERIES, done
