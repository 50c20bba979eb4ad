"""Fixtures that fill an empty data directory for a benchmark: a user, a session, a collection. Prints JSON.

DATA_DIR=… python -m benchmarks.lib.fixtures FOLDER_OF_DATA_SETS CHUNKS
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")


def main(data: Path, chunks: int) -> dict[str, Any]:
    """Create a user with a collection of about `chunks` chunks. Return session key, number of chunks, and questions."""
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from apps.documents.models import Chunk
    from apps.users.models import User
    from benchmarks.lib.datasets import read_data_set

    question_set, further_set = read_data_set(data / "xquad"), read_data_set(data / "cranfield")
    user = User.objects.create_user("bench@example.org", uuid4().hex)
    collection = create_collection(user, [*question_set.texts, *further_set.texts], chunks)
    count = Chunk.objects.filter(document__collection=collection).count()
    questions = [question_set.questions[number] for number in question_set.relevant]
    return {"session": create_session(user), "chunks": count, "questions": questions[:: max(1, len(questions) // 200)]}


def create_session(user: Any) -> str:
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def create_collection(user: Any, texts: Sequence[Any], chunk_limit: int = 10**9, embedder: str = "") -> Any:
    """Create a collection with one document per text, about `chunk_limit` chunks and one segment. `embedder` is a name
    in `settings.EMBEDDERS`, "" for the site's own."""
    from apps.documents.indexing import index_maintenance
    from apps.documents.models import Chunk, Collection, Document, Page
    from apps.engines import registry
    from apps.reading.chunking.chunker import Chunker
    from apps.reading.parsing.protocol import BlockSpan, ParsedPage
    from benchmarks.lib.datasets import embed_cached

    engine = registry.get_embedder(embedder)
    collection = Collection.objects.create(owner=user, name="Measured", search_settings={"embedder": embedder})
    rows: list[Chunk] = []
    embedding_texts: list[str] = []
    for text in filter(lambda text: text.text.strip(), texts):
        if len(rows) >= chunk_limit:
            break
        document = Document.objects.create(
            collection=collection, name=f"{text.id}.txt", title=text.title,
            file=f"documents/{text.id}", sha256=uuid4().hex * 2,
            size=len(text.text), kind="text", status=Document.Status.READY, pages_count=1,
        )  # fmt: skip
        Page.objects.create(document=document, number=1, text=text.text)
        page = ParsedPage(1, text.text, (BlockSpan("paragraph", 0, 0, len(text.text)),))
        for position, draft in enumerate(Chunker(text.title, engine.offsets, engine.max_tokens).cut(page)):
            embedding_texts.append(draft.embedding_text)
            rows.append(Chunk(
                document=document, position=position, page_number=1, char_start=draft.start, char_end=draft.end,
                heading=draft.heading, text=draft.text, tokens=draft.tokens,
            ))  # fmt: skip
    vectors = embed_cached(embedding_texts, embedder)
    for row, vector in zip(rows, vectors, strict=True):
        row.vector, row.fingerprint = vector.tobytes(), engine.fingerprint
    stored = Chunk.objects.bulk_create(rows)
    entries = [row.entry for row in stored]
    segment = index_maintenance.create_segment(
        registry.get_index().write(collection.pk.hex, entries, vectors, engine.fingerprint)
    )
    Chunk.objects.filter(document__collection=collection).update(segment=segment)
    return collection


def ingest_file(user: Any, collection: Any, path: Path) -> Any:
    """Upload a file, ingest it as the worker does, and return the document's key. Raise SystemExit if that fails."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    from apps.documents.ingestion.worker import process_queue
    from apps.documents.library.uploads import store_upload
    from apps.documents.models import Document

    document = store_upload(user, collection, SimpleUploadedFile(path.name, path.read_bytes()))
    process_queue(document.pk)
    row = Document.objects.get(pk=document.pk)
    if row.status != Document.Status.READY:
        raise SystemExit(f"{path.name} did not become searchable: {row.reason}")
    return row.pk


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
