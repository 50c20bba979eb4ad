"""Collections that are read by embedders of their own: real weights, in two kinds of index."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.documents.indexing import embedders, index_maintenance, shadow_build
from apps.documents.ingestion.pipeline import ingest
from apps.documents.models import Chunk, Collection, Document, IndexBuild, IndexMaintenance, Segment
from apps.documents.retrieval import candidates
from apps.documents.retrieval.search import SearchResult, search
from apps.documents.settings import DEFAULT_SETTINGS, CollectionSettings, read_collection_settings
from apps.engines import registry
from apps.engines.embed.model_folder import PACKAGE_SHA256, locate_model
from apps.users.models import User
from tests.engines.conftest import postgres_url  # noqa: F401 - fixture
from tests.engines.index.sample_entries import empty_pgvector
from tests.factories import ingest_file, make_collection, upload_file

pytestmark = pytest.mark.django_db(transaction=True)

REAL = "apps.engines.embed.sentence_transformer.SentenceTransformerEmbedder"
FERRY = "# Ferry\n\nThe boat to the island leaves the eastern pier at nine in the morning.\n"
BREAD = "# Bread\n\nA sourdough loaf is baked for fifty minutes in a very hot oven.\n"
BEES = "# Bees\n\nA colony keeps its brood at thirty-five degrees all through the spring.\n"
SHORT, FIRST = CollectionSettings(embedder="Short"), CollectionSettings(embedder="First")


@pytest.fixture(scope="module")
def pooled_otherwise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packaged weights as a model of another kind: the first token stands for the text."""
    folder = tmp_path_factory.mktemp("models") / "first-token"
    shutil.copytree(locate_model(""), folder)
    config = folder / "1_Pooling" / "config.json"
    said = json.loads(config.read_text())
    said |= {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False} | (
        {"pooling_mode": "cls"} if "pooling_mode" in said else {}
    )
    config.write_text(json.dumps(said))
    return folder


@pytest.fixture(params=["local", pytest.param("pgvector", marks=pytest.mark.slow)])
def site(
    request: pytest.FixtureRequest, settings: Any, tmp_path: Path, pooled_otherwise: Path
) -> Iterator[dict[str, Any]]:
    """The packaged embedder is the site's own; two others may be chosen."""
    index = "apps.engines.index.local.engine.LocalIndex", {"directory": str(tmp_path / "index")}
    if request.param == "pgvector":
        url = request.getfixturevalue("postgres_url")
        empty_pgvector(url)
        index = "apps.engines.index.pgvector.engine.PgvectorIndex", {"url": url}
    held = {"BACKEND": index[0], "OPTIONS": index[1]}
    settings.INDEXES = {request.param: held}
    settings.ENGINES = settings.ENGINES | {
        "index": {"NAME": request.param, **held}, "embed": {"BACKEND": REAL, "OPTIONS": {"threads": 1}},
    }  # fmt: skip
    pinned = {"threads": 1, "sha256": PACKAGE_SHA256}
    settings.EMBEDDERS = {
        "Short": {"BACKEND": REAL, "OPTIONS": {**pinned, "dimension": 128}},
        "First": {"BACKEND": REAL, "OPTIONS": {**pinned, "model": str(pooled_otherwise)}},
    }
    registry.reset()
    yield settings.EMBEDDERS
    registry.reset()


def make_indexed_collection(user: User, name: str, text: str) -> Collection:
    collection = make_collection(user, name)
    assert ingest_file(collection, f"{name}.md", text).status == "ready"
    return collection


def build_index(collection: Collection, wanted: CollectionSettings) -> IndexBuild:
    row = shadow_build.begin(collection, wanted, collection.owner)
    shadow_build.run(row.pk)
    row.refresh_from_db()
    assert row.status == "built", row.reason
    return row


def moved(collection: Collection, wanted: CollectionSettings) -> None:
    assert shadow_build.swap(build_index(collection, wanted))
    collection.refresh_from_db()


def ask(user: User, question: str, collections: Sequence[Collection] = (), scope: Any = None) -> SearchResult:
    return asyncio.run(search(user, question, collections=[collection.pk for collection in collections], scope=scope))


def made_by(collection: Collection) -> set[tuple[str, int]]:
    return set(Segment.objects.live().filter(collection=collection).values_list("fingerprint", "dimension"))


def test_new_embedder_is_built_beside_tried_swapped_in_and_rolled_back(alice: User, site: Any) -> None:
    collection = make_indexed_collection(alice, "Ferry", FERRY)
    own = made_by(collection)
    row = build_index(collection, SHORT)
    assert row.has_own_chunks and made_by(collection) == own
    question = "When does the boat sail?"
    tried, live = ask(alice, question, scope=candidates.make_trial_scope(row)), ask(alice, question)
    assert "nine in the morning" in tried.passages[0].text and "nine in the morning" in live.passages[0].text
    assert {hit.chunk_id for hit in tried.hits}.isdisjoint(hit.chunk_id for hit in live.hits)

    assert shadow_build.swap(row)
    collection.refresh_from_db()
    assert read_collection_settings(collection.search_settings) == SHORT
    assert made_by(collection) == {(registry.get_embedder("Short").fingerprint, 128)}
    assert all(len(vector) == 4 * 128 for vector in Chunk.objects.values_list("vector", flat=True))
    found = ask(alice, question)
    assert "nine in the morning" in found.passages[0].text and found.unsearched == ()

    assert shadow_build.swap(IndexBuild.objects.get())
    collection.refresh_from_db()
    assert (read_collection_settings(collection.search_settings), made_by(collection)) == (DEFAULT_SETTINGS, own)
    assert ask(alice, question).passages


def test_later_uploads_are_embedded_by_the_embedder_of_their_collection(alice: User, site: Any) -> None:
    collection = make_indexed_collection(alice, "Ferry", FERRY)
    moved(collection, SHORT)
    late = make_collection(alice, "Other")
    rows = [upload_file(at, "bees.md", BEES) for at in (collection, late)]
    ingest(*[row.pk for row in rows])  # together, as the worker takes them
    assert set(Document.objects.values_list("status", flat=True)) == {"ready"}
    assert {dimension for _, dimension in made_by(collection)} == {128} and {d for _, d in made_by(late)} == {384}
    index_maintenance.reindex(collection.pk)
    index_maintenance.merge(collection.pk)
    assert made_by(collection) == {(registry.get_embedder("Short").fingerprint, 128)}
    (passage, *_) = ask(alice, "At what temperature does a colony keep its brood?", [collection]).passages
    assert "thirty-five" in passage.text


def test_search_finds_in_collections_of_three_embedders_with_one_question(alice: User, site: Any) -> None:
    ferry, bread, bees = (
        make_indexed_collection(alice, "Ferry", FERRY),
        make_indexed_collection(alice, "Bread", BREAD),
        make_indexed_collection(alice, "Bees", BEES),
    )
    moved(bread, SHORT)
    moved(bees, FIRST)
    asked = {
        "When does the boat to the island leave?": "nine in the morning",
        "How long is a sourdough loaf baked?": "fifty minutes",
        "At what temperature does a colony keep its brood?": "thirty-five degrees",
    }
    for question, answer in asked.items():
        found = ask(alice, question)
        assert answer in found.passages[0].text, (question, found.passages)
        assert (found.searched, found.unsearched) == (("Bees", "Bread", "Ferry"), ())
        best = max(found.hits, key=lambda hit: hit.relevance)
        assert answer in best.text, "relevance is on one scale"
    assert ask(alice, "Who won the football championship of 1954?", [ferry, bread, bees]).passages == ()


def test_cosines_of_another_embedder_are_told_on_the_scale_of_the_site(alice: User, site: Any) -> None:
    collection, other = make_indexed_collection(alice, "Ferry", FERRY), make_indexed_collection(alice, "Bees", BEES)
    question = "When does the boat to the island leave?"
    before = {hit.title: hit.cosine for hit in ask(alice, question, [collection, other]).hits}
    for each in (collection, other):
        moved(each, FIRST)
    after = {hit.title: hit.cosine for hit in ask(alice, question, [collection, other]).hits}
    raw = (
        registry.get_embedder("First").embed_query(question) @ registry.get_embedder("First").embed_passages([BEES])[0]
    )
    assert abs(after["Bees"] - before["Bees"]) < abs(float(raw) - before["Bees"]), "nearer than it was by itself"
    assert after["Ferry"] > after["Bees"]


def test_a_model_that_is_gone_or_changed_leaves_its_collections_out_and_stops_no_other(
    alice: User, site: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    collection, other = make_indexed_collection(alice, "Ferry", FERRY), make_indexed_collection(alice, "Bread", BREAD)
    moved(collection, SHORT)
    for change in ("pinned", "gone"):
        if change == "pinned":
            site["Short"]["OPTIONS"]["sha256"] = "0" * 64
        else:
            del site["Short"]
        registry.reset()
        found = ask(alice, "How long is a sourdough loaf baked?")
        assert "fifty minutes" in found.passages[0].text
        assert (found.searched, found.unsearched) == (("Bread",), ("Ferry",))
        assert "“Short”" in caplog.text
        late = ingest_file(collection, f"{change}.md", BEES)
        assert late.status == "failed" and late.reason, "and says why"
    with pytest.raises(CommandError, match="index rebuild"):
        call_command("index", "verify", stdout=None)
    assert embedders.get_fingerprint(other) and not embedders.get_fingerprint(collection)


def test_a_document_that_was_read_during_a_swap_is_embedded_again(
    alice: User, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection = make_indexed_collection(alice, "Ferry", FERRY)
    row = build_index(collection, SHORT)
    write = type(registry.get_index()).write

    def swapping(self: Any, *given: Any) -> Any:
        monkeypatch.setattr(type(registry.get_index()), "write", write)
        assert shadow_build.swap(row)
        return write(self, *given)

    monkeypatch.setattr(type(registry.get_index()), "write", swapping)
    assert ingest_file(collection, "late.md", BEES).status == "ready"
    assert {dimension for _, dimension in made_by(collection)} == {128, 384}
    assert IndexMaintenance.objects.get(pk=collection.pk).rebuild_reason
    index_maintenance.maintain_indexes()
    assert made_by(collection) == {(registry.get_embedder("Short").fingerprint, 128)}
    assert "thirty-five" in ask(alice, "At what temperature does a colony keep its brood?").passages[0].text
