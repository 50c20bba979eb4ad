"""Contract tests of embedders; the real one must give the library's numbers, faster."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from django.conf import settings

from apps.engines.embed import bert
from apps.engines.embed.fake import FakeEmbedder
from apps.engines.embed.model_folder import PACKAGE_SHA256, locate_model, read_model_folder
from apps.engines.embed.paired import PairedEmbedder
from apps.engines.embed.sentence_transformer import SentenceTransformerEmbedder
from apps.engines.types import EmbedEngine, EngineBroken

TEXTS = [
    "The ferry to the island leaves at nine.",
    "A boat departs for the island every morning.",
    "Green tea is steeped at seventy degrees.",
    "",
    "x" * 5000,
    "Ünïcödé, 日本語, 🙂 and 3.14",
]


@pytest.fixture(scope="module")
def real() -> SentenceTransformerEmbedder:
    engine = SentenceTransformerEmbedder()
    engine.warm()
    return engine


@pytest.fixture(scope="module")
def paired(real: SentenceTransformerEmbedder) -> PairedEmbedder:
    """The packaged model beside itself: the weights of the multilingual one are not in the repository."""
    engine = PairedEmbedder(str(locate_model("")))
    engine.use_embedder(lambda: cast("EmbedEngine", real))
    return engine


@pytest.fixture(params=["fake", "real", "paired"])
def embed(request: pytest.FixtureRequest) -> EmbedEngine:
    return FakeEmbedder() if request.param == "fake" else request.getfixturevalue(request.param)


def test_vectors_are_unit_rows_in_the_order_of_the_texts(embed: EmbedEngine) -> None:
    rows = embed.embed_passages(TEXTS)
    assert rows.shape == (len(TEXTS), embed.dimension)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-3)
    for row, text in zip(rows, TEXTS, strict=True):
        assert float(row @ embed.embed_passages([text])[0]) > 0.999


def test_texts_that_were_tokenised_before_have_the_same_vectors(embed: EmbedEngine) -> None:
    read = [embed.tokenised(text) for text in TEXTS]
    assert [item.count for item in read] == [len(embed.offsets(text)) for text in TEXTS]
    mixed = [read[at] if at % 2 else text for at, text in enumerate(TEXTS)]
    assert np.allclose(embed.embed_passages(mixed), embed.embed_passages(TEXTS), atol=1e-6)


def test_empty_list_of_texts_gives_no_rows(embed: EmbedEngine) -> None:
    assert embed.embed_passages([]).shape == (0, embed.dimension)


def test_a_question_is_nearest_to_the_text_that_shares_its_words(embed: EmbedEngine) -> None:
    scores = embed.embed_passages(TEXTS[:3]) @ embed.embed_query("When does the ferry leave?")
    assert scores.argmax() == 0


def test_the_same_question_has_the_same_vector(embed: EmbedEngine) -> None:
    first = embed.embed_query(TEXTS[0])
    assert first.shape == (embed.dimension,)
    assert np.array_equal(first, embed.embed_query(TEXTS[0]))


def test_offsets_are_spans_in_order_that_cover_the_words(embed: EmbedEngine) -> None:
    text = "Grüße: the ferry costs 3.50 € (return).\n" * 200
    spans = embed.offsets(text)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(spans[n][1] <= spans[n + 1][0] for n in range(len(spans) - 1))
    assert "".join(text[start:end] for start, end in spans) == "".join(text.split())
    assert len(spans) > 4 * embed.max_tokens
    assert embed.offsets("") == []


def test_engines_of_one_kind_share_a_fingerprint(embed: EmbedEngine) -> None:
    again = cast("EmbedEngine", SentenceTransformerEmbedder(dtype="float32"))
    if isinstance(embed, FakeEmbedder):
        again = FakeEmbedder()
    elif isinstance(embed, PairedEmbedder):
        pair = PairedEmbedder(str(locate_model("")))
        pair.use_embedder(lambda: cast("EmbedEngine", SentenceTransformerEmbedder(dtype="float32")))
        again = cast("EmbedEngine", pair)
    assert embed.fingerprint == again.fingerprint


def test_the_fake_gives_the_same_numbers_in_every_process() -> None:
    code = "from apps.engines.embed.fake import FakeEmbedder; print(FakeEmbedder().embed_query('ferry')[:3].tolist())"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    )
    assert json.loads(run.stdout) == FakeEmbedder().embed_query("ferry")[:3].tolist()


def test_the_real_embedder_gives_the_numbers_of_the_library(real: SentenceTransformerEmbedder) -> None:
    from sentence_transformers import SentenceTransformer

    library = SentenceTransformer(str(locate_model("")), device="cpu", local_files_only=True)
    expected = library.encode(TEXTS, show_progress_bar=False)
    exact = SentenceTransformerEmbedder(dtype="float32")
    assert (exact.embed_passages(TEXTS) * expected).sum(1).min() > 0.99999
    assert (real.embed_passages(TEXTS) * expected).sum(1).min() > 0.9995
    for text, row in zip(TEXTS, expected, strict=True):
        assert float(real.embed_query(text) @ row) > 0.9995


def test_texts_of_many_lengths_do_not_mix_in_a_pass(
    real: SentenceTransformerEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty lengths, half of them twice, in several passes."""
    from sentence_transformers import SentenceTransformer

    library = SentenceTransformer(str(locate_model("")), device="cpu", local_files_only=True)
    monkeypatch.setattr(bert, "PASS_TOKENS", bert.PASS_TOKENS // 4)
    texts = [" ".join(f"word{n % 7}" for n in range(at % 40)) + f" ends {at}" for at in range(60)]
    assert sum(real.tokenised(text).count for text in texts) > 2 * bert.PASS_TOKENS
    expected = library.encode(texts, show_progress_bar=False)
    exact = SentenceTransformerEmbedder(dtype="float32")
    assert (exact.embed_passages(texts) * expected).sum(1).min() > 0.99999
    assert (real.embed_passages(texts) * expected).sum(1).min() > 0.9995


def test_a_text_beyond_the_window_is_cut_as_the_library_cuts_it() -> None:
    from sentence_transformers import SentenceTransformer

    library = SentenceTransformer(str(locate_model("")), device="cpu", local_files_only=True)
    texts = [" ".join(f"tea {n}" for n in range(300)), "ferry " * 253 + "island", "ferry " * 254 + "island"]
    exact = SentenceTransformerEmbedder(dtype="float32")
    rows = exact.embed_passages(texts)
    assert (rows * library.encode(texts, show_progress_bar=False)).sum(1).min() > 0.99999
    assert len(exact.tokenised(texts[0]).ids) == library.max_seq_length


def test_a_text_that_fills_the_window_is_not_cut(real: SentenceTransformerEmbedder) -> None:
    words = "tea " * real.max_tokens
    assert len(real.offsets(words)) == real.max_tokens
    full, longer = real.embed_passages([words, words + "ferry"])
    shorter = real.embed_passages([words[: -len("tea ")] + "ferry"])[0]
    assert float(full @ longer) == pytest.approx(1.0, abs=1e-3)  # what is beyond the window does not count
    assert float(full @ shorter) < 0.9999


def test_a_question_takes_less_time_than_the_library_needs(real: SentenceTransformerEmbedder) -> None:
    from sentence_transformers import SentenceTransformer

    library = SentenceTransformer(str(locate_model("")), device="cpu", local_files_only=True)
    ours, theirs = [], []
    for n in range(15):
        question = f"At what time does the ferry number {n} leave for the island?"
        began = time.thread_time()
        real.embed_query(question)
        ours.append(time.thread_time() - began)
        began = time.thread_time()
        library.encode(question, show_progress_bar=False)
        theirs.append(time.thread_time() - began)
    assert sorted(ours)[7] < sorted(theirs)[7]


def test_model_of_another_architecture_runs_through_the_library_with_its_prompts(tmp_path: Path) -> None:
    folder = tmp_path / "asking-model"
    shutil.copytree(locate_model(""), folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"hidden_act": "gelu_new"}))
    prompts = {"prompts": {"query": "question: ", "passage": "text: "}}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    engine = SentenceTransformerEmbedder(model=str(folder), dtype="float32")
    assert engine.max_tokens == 254 - 2
    asked, told = engine.embed_query(TEXTS[0]), engine.embed_passages(TEXTS[:2])
    assert np.linalg.norm(told, axis=1) == pytest.approx(1, abs=1e-3)
    assert float(asked @ told[0]) < 0.999
    assert engine.fingerprint.startswith("asking-model-")


def test_packaged_weights_that_were_changed_are_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "model"
    shutil.copytree(locate_model(""), folder)
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(5000)
        file.write(b"\x01")
    monkeypatch.setattr("apps.engines.embed.sentence_transformer.locate_model", lambda model: folder)
    with pytest.raises(EngineBroken, match="damaged"):
        SentenceTransformerEmbedder().warm()


def test_weights_that_were_changed_are_hashed_again_whatever_their_time_says(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(locate_model(""), folder)
    described = read_model_folder(folder, "another")
    first, file = described.sha256(), folder / "model.safetensors"
    before = file.stat()
    with file.open("r+b") as stream:
        stream.seek(5000)
        stream.write(b"\x01")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert described.sha256() != first == PACKAGE_SHA256


@pytest.mark.parametrize("missing", ["model.safetensors", "modules.json", "tokenizer.json", "config.json"])
def test_a_folder_that_lacks_a_file_is_said_to_be_broken(tmp_path: Path, missing: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(locate_model(""), folder)
    (folder / missing).unlink()
    with pytest.raises(EngineBroken):
        SentenceTransformerEmbedder(model=str(folder)).warm()


@pytest.mark.shared
@pytest.mark.slow
def test_vectors_alone_find_the_paragraphs_of_xquad(real: SentenceTransformerEmbedder, shared: Path) -> None:
    folder = shared / "data" / "xquad"
    corpus = [json.loads(line) for line in (folder / "corpus.jsonl").open()]
    queries = [json.loads(line) for line in (folder / "queries.jsonl").open()][::10]
    wanted = dict(line.split("\t")[:2] for line in (folder / "qrels.tsv").read_text().splitlines()[1:])
    found = real.embed_passages([item["text"] for item in corpus]) @ real.embed_passages([q["text"] for q in queries]).T
    gains = []
    for column, query in zip(found.T, queries, strict=True):
        ranked = [corpus[at]["_id"] for at in (-column).argsort()[:10]]
        gold = wanted[query["_id"]]
        gains.append(1 / np.log2(ranked.index(gold) + 2) if gold in ranked else 0.0)
    assert np.mean(gains) > 0.92  # all 1,190 give 0.9434 in float32 and 0.9437 in bfloat16
