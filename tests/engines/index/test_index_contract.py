"""Contract tests of all indexes: in memory, on disk in all its kinds, PostgreSQL with pgvector and Milvus, on real
servers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from apps.engines.index.local.engine import LocalIndex
from apps.engines.index.memory import MemoryIndex
from apps.engines.types import EngineBroken, EngineRefused, Index, IndexEntry, IndexQuery
from tests.engines.index.sample_entries import empty_milvus, empty_pgvector, entries, units, write

DOCUMENTS = [uuid4().hex, uuid4().hex]
ANIMALS = ["the red fox hunts mice", "blue whales sing", "red whales do not exist", "mice eat cheese"]


SERVERS = ("pgvector rows", "pgvector graph", "milvus")


@pytest.fixture(
    params=["memory", "flat", "graph", "lists", *(pytest.param(name, marks=pytest.mark.slow) for name in SERVERS)]
)
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Index:
    if request.param == "memory":
        return MemoryIndex()
    if request.param == "milvus":
        return empty_milvus(request.getfixturevalue("milvus_url"))
    if request.param.startswith("pgvector"):
        return empty_pgvector(request.getfixturevalue("postgres_url"), 1 if "graph" in request.param else 50_000)
    return LocalIndex(str(tmp_path / "index"), kind=request.param)


def test_the_nearest_vector_comes_first_with_its_cosine(index: Index) -> None:
    segment = write(index, ANIMALS, vectors=(rows := units(4)))

    found = index.search([segment], IndexQuery("nothing", rows[2])).candidates

    assert found[0].chunk_id == 2
    assert found[0].cosine == pytest.approx(1, abs=5e-3)
    assert [c.cosine for c in found] == sorted((c.cosine for c in found), reverse=True)


def test_words_find_what_meaning_ranks_last(index: Index) -> None:
    rows = units(4)
    segment = write(index, ANIMALS, vectors=rows)
    farthest = int(np.argmin(rows @ rows[0]))

    found = index.search([segment], IndexQuery(ANIMALS[farthest], rows[0], limit=1)).candidates

    assert {c.chunk_id for c in found} == {0, farthest}
    worded = next(c for c in found if c.chunk_id == farthest)
    assert worded.bm25 > 0
    assert worded.cosine == pytest.approx(float(rows[farthest] @ rows[0]), abs=5e-3)


def test_the_vectors_that_an_index_brings_are_those_of_its_candidates(index: Index) -> None:
    rows = units(8)
    parts = [write(index, ANIMALS, first=at, vectors=rows[at : at + 4]) for at in (0, 4)]

    found = index.search(parts, IndexQuery("red mice", rows[6], limit=3))

    assert (found.vectors is not None) is isinstance(index, LocalIndex), "the others leave it to the database"
    if found.vectors is not None:
        wanted = rows[[candidate.chunk_id for candidate in found.candidates]]
        np.testing.assert_allclose(found.vectors, wanted, atol=2e-2)


def test_words_are_stemmed_and_folded(index: Index) -> None:
    segment = write(index, ["He was HUNTING in the ﬁelds", "nothing of the kind"])

    found = index.search([segment], IndexQuery("hunts field", units(1)[0])).candidates

    assert [c.chunk_id for c in found if c.bm25] == [0]


def test_a_word_that_the_question_says_twice_counts_twice(index: Index) -> None:
    segment = write(index, ["otters are small", "badgers are large"])

    once, twice = (
        {c.chunk_id: c.bm25 for c in index.search([segment], IndexQuery(text, units(1)[0])).candidates}
        for text in ("otters and badgers", "otters otters and badgers")
    )

    assert twice[0] == pytest.approx(2 * once[0], rel=1e-4)
    assert twice[1] == pytest.approx(once[1], rel=1e-4)


def test_a_title_that_heading_and_text_repeat_counts_once(index: Index) -> None:
    rows = [
        IndexEntry(1, "Otters live in rivers", title="Otters", heading="Otters › Homes"),
        IndexEntry(2, "live in rivers", title="Otters", heading="› Homes"),
    ]
    segment = index.write(uuid4().hex, rows, units(2), "tests")

    one, other = index.search([segment], IndexQuery("otters", units(1)[0])).candidates

    assert one.bm25 == pytest.approx(other.bm25, rel=1e-4)


def test_a_word_in_the_title_counts_more_than_in_the_text(index: Index) -> None:
    rows = [IndexEntry(1, "otters are small", title="notes"), IndexEntry(2, "notes are small", title="otters")]
    segment = index.write(uuid4().hex, rows, units(2), "tests")

    found = {c.chunk_id: c.bm25 for c in index.search([segment], IndexQuery("otters", units(1)[0])).candidates}

    assert found[2] > found[1] > 0


def test_named_segments_alone_are_searched(index: Index) -> None:
    one, other = write(index, ANIMALS, first=0), write(index, ANIMALS, first=100)

    found = index.search([other], IndexQuery("fox", units(1)[0])).candidates

    assert {c.chunk_id for c in found} == {100, 101, 102, 103}
    assert index.search([], IndexQuery("fox", units(1)[0])).candidates == ()
    assert len(index.search([one, other], IndexQuery("fox", units(1)[0])).candidates) == 8


def test_idf_is_by_stemmed_term_over_all_segments(index: Index) -> None:
    segments = [write(index, ANIMALS), write(index, ["red", "red", "red"], first=10)]

    idf = index.search(segments, IndexQuery("red foxes and zebras", units(1)[0])).idf

    assert idf.keys() == {"red", "fox", "zebra"}
    assert idf["red"] < idf["fox"] < idf["zebra"]


def test_numbers_beyond_32_bits_survive(index: Index) -> None:
    segment = write(index, ["one"], first=2**62 + 1)

    assert index.search([segment], IndexQuery("one", units(1)[0])).candidates[0].chunk_id == 2**62 + 1


@pytest.mark.parametrize(
    "question", ["", "   ", "?!", "the of and", "\x00\n\t", '"(unbalanced AND title:x', "é" * 5000]
)
def test_odd_texts_can_be_searched_for(index: Index, question: str) -> None:
    segment = write(index, ANIMALS)

    assert len(index.search([segment], IndexQuery(question, units(1)[0])).candidates) == 4


@pytest.mark.parametrize("text", ["", "\x00", "🦊 狐 лиса", "word " * 5000, "x" * 100_000, "\ud800"[:0]])
def test_odd_texts_can_be_indexed(index: Index, text: str) -> None:
    segment = write(index, [text, "fox"])

    assert len(index.search([segment], IndexQuery("fox", units(1)[0])).candidates) == 2


def _spoiled(value: float) -> np.ndarray:
    rows = units(4)
    rows[1, 3] = value
    return rows


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (_spoiled(float("nan")), "finite"),
        (_spoiled(float("inf")), "finite"),
        (_spoiled(7.0), "unit length"),
        (units(3), "shape"),
        (units(4)[0], "shape"),
        (np.zeros((4, 16), np.float32), "unit length"),
    ],
)
def test_vectors_that_would_spoil_the_index_are_refused(index: Index, rows: np.ndarray, reason: str) -> None:
    with pytest.raises(EngineRefused, match=reason):
        index.write(uuid4().hex, entries(ANIMALS), rows, "tests")


def test_repeated_and_missing_entries_are_refused(index: Index) -> None:
    with pytest.raises(EngineRefused, match="twice"):
        index.write(uuid4().hex, [*entries(["a"]), *entries(["b"])], units(2), "tests")
    with pytest.raises(EngineRefused, match="nothing to index"):
        index.write(uuid4().hex, [], units(0), "tests")


def test_a_question_of_another_dimension_is_refused_with_the_way_out(index: Index) -> None:
    segment = write(index, ANIMALS)

    with pytest.raises(EngineRefused, match="reindex"):
        index.search([segment], IndexQuery("fox", units(1, dimension=8)[0]))


def test_dropped_segments_are_gone_and_dropping_again_is_no_error(index: Index) -> None:
    segment, other = write(index, ANIMALS), write(index, ANIMALS, first=10)
    index.search([segment], IndexQuery("fox", units(1)[0]))

    index.drop([segment])
    index.drop([segment])

    assert not index.verify(segment)
    assert index.verify(other)
    with pytest.raises(EngineBroken, match=segment.id):
        index.search([segment, other], IndexQuery("fox", units(1)[0]))


def test_the_sweep_takes_old_segments_that_nobody_names(index: Index) -> None:
    live, dead = write(index, ANIMALS), write(index, ANIMALS, first=10)

    assert index.sweep([live]) == 0  # too young: its writer may be about to record it
    assert index.sweep([live], older_than_s=0) == 1
    assert index.verify(live)
    assert not index.verify(dead)


def test_a_segment_with_another_checksum_is_not_opened(index: Index) -> None:
    segment = write(index, ANIMALS)

    with pytest.raises(EngineBroken, match=segment.id):
        index.search([replace(segment, checksum="0" * 64)], IndexQuery("fox", units(1)[0]))


def test_a_search_can_be_narrowed_to_documents(index: Index) -> None:
    rows = [IndexEntry(n, text, document=DOCUMENTS[n % 2]) for n, text in enumerate(ANIMALS)]
    segments = [index.write(uuid4().hex, rows, units(4), "tests"), write(index, ["a fox of no document"], first=10)]

    def found(*documents: str) -> dict[int, bool]:
        query = IndexQuery("fox whales mice", units(1)[0], documents=frozenset(documents))
        return {c.chunk_id: c.bm25 > 0 for c in index.search(segments, query).candidates}

    assert found(DOCUMENTS[0]) == {0: True, 2: True}
    assert found(DOCUMENTS[1]) == {1: True, 3: True}
    assert found(*DOCUMENTS, uuid4().hex).keys() == {0, 1, 2, 3}
    assert found(uuid4().hex) == found() == {}


def test_words_weigh_the_same_however_far_a_search_is_narrowed(index: Index) -> None:
    rows = [IndexEntry(n, text, document=DOCUMENTS[n % 2]) for n, text in enumerate(ANIMALS)]
    segment = index.write(uuid4().hex, rows, units(4), "tests")
    every = {c.chunk_id: c for c in index.search([segment], IndexQuery("red mice", units(1)[0])).candidates}

    narrowed = IndexQuery("red mice", units(1)[0], documents=frozenset(DOCUMENTS[:1]))

    for candidate in index.search([segment], narrowed).candidates:
        assert candidate.bm25 == pytest.approx(every[candidate.chunk_id].bm25, rel=1e-5)
        assert candidate.cosine == pytest.approx(every[candidate.chunk_id].cosine, abs=5e-3)


def test_hidden_chunks_make_room_for_the_next(index: Index) -> None:
    texts = [f"fox number {number}" for number in range(30)]
    segment = write(index, texts, first=100)
    query = IndexQuery("fox", units(30, seed=100)[5], limit=5)
    first = [c.chunk_id for c in index.search([segment], query).candidates]

    found = index.search([segment], replace(query, excluded_chunks=frozenset([*first, 7]))).candidates

    assert not {c.chunk_id for c in found} & set(first)
    assert len(found) >= 5
    assert sum(c.bm25 > 0 for c in found) >= 5
    assert index.search([segment], replace(query, excluded_chunks=frozenset(range(100, 130)))).candidates == ()


def test_parts_of_a_build_become_one_segment(index: Index) -> None:
    rows = units(4)
    parts = [(entries(ANIMALS[:3]), rows[:3]), (entries(ANIMALS[3:], first=3), rows[3:])]

    segment = index.build(uuid4().hex, iter(parts), 4, "tests")

    assert segment.count == 4
    found = index.search([segment], IndexQuery("cheese", rows[3])).candidates
    assert {c.chunk_id for c in found} == {0, 1, 2, 3}
    assert found[0].chunk_id == 3
    assert found[0].bm25 > 0


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([], "nothing to index"),
        ([(entries(["a"]), units(1)), (entries(["b"]), units(1))], "twice"),
        ([(entries(["a"]), units(1)), (entries(["b"], first=1), units(1, dimension=8))], "dimensions"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(
    index: Index, parts: list[tuple[list[IndexEntry], np.ndarray]], reason: str
) -> None:
    with pytest.raises(EngineRefused, match=reason):
        index.build(uuid4().hex, parts, 2, "tests")


def test_written_segment_describes_what_it_holds(index: Index) -> None:
    collection = uuid4().hex

    segment = index.write(collection, entries(ANIMALS), units(4), "tests")

    assert (segment.collection, segment.count, segment.dimension, segment.fingerprint) == (collection, 4, 16, "tests")
    assert len(segment.id) == 32
    assert segment.size_bytes > 0
    assert index.verify(segment)
