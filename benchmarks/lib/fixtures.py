"""Fixtures that fill an empty data directory for a benchmark: a user, a session, a collection. Prints JSON.

DATA_DIR=… python -m benchmarks.lib.fixtures FOLDER_OF_DATA_SETS CHUNKS
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from itertools import chain
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
    from apps.users.models import User
    from benchmarks.lib.datasets import read

    asked, more = read(data / "xquad"), read(data / "cranfield")
    user = User.objects.create_user("bench@example.org", uuid4().hex)
    count = _fill(user, list(chain(asked.texts, more.texts)), chunks)
    questions = [asked.questions[number] for number in asked.relevant]
    return {"session": _session(user), "chunks": count, "questions": questions[:: max(1, len(questions) // 200)]}


def _session(user: Any) -> str:
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _fill(user: Any, texts: list[Any], wanted: int) -> int:
    """Create a collection with about `wanted` chunks and return their number."""
    from apps.documents.models import Chunk

    place = filled(user, texts, wanted)
    return Chunk.objects.filter(document__collection=place).count()


def filled(user: Any, texts: Sequence[Any], wanted: int = 10**9, embedder: str = "") -> Any:
    """Create a collection with one document per text, about `wanted` chunks and one segment, embedded by `embedder`, a
    name in `settings.EMBEDDERS`."""
    from apps.documents.chunking.chunker import Chunker
    from apps.documents.indexing import index_maintenance
    from apps.documents.models import Chunk, Collection, Document, Page
    from apps.documents.parsing.protocol import BlockSpan, ParsedPage
    from apps.engines import registry
    from benchmarks.lib.datasets import embedded

    embed = registry.get_embedder(embedder)
    place = Collection.objects.create(owner=user, name="Measured", search_settings={"embedder": embedder})
    rows: list[Chunk] = []
    lines: list[str] = []
    for text in filter(lambda text: text.text.strip(), texts):
        if len(rows) >= wanted:
            break
        document = Document.objects.create(
            collection=place, name=f"{text.id}.txt", title=text.title,
            file=f"documents/{text.id}", sha256=uuid4().hex * 2,
            size=len(text.text), kind="text", status=Document.Status.READY, pages_count=1,
        )  # fmt: skip
        Page.objects.create(document=document, number=1, text=text.text)
        page = ParsedPage(1, text.text, (BlockSpan("paragraph", 0, 0, len(text.text)),))
        for position, draft in enumerate(Chunker(text.title, embed.offsets, embed.max_tokens).cut(page)):
            lines.append(draft.embedding_text)
            rows.append(Chunk(
                document=document, position=position, page_number=1, char_start=draft.start, char_end=draft.end,
                heading=draft.heading, text=draft.text, tokens=draft.tokens,
            ))  # fmt: skip
    vectors = embedded(lines, embedder)
    for row, vector in zip(rows, vectors, strict=True):
        row.vector, row.fingerprint = vector.tobytes(), embed.fingerprint
    stored = Chunk.objects.bulk_create(rows)
    entries = [row.entry for row in stored]
    segment = index_maintenance.create_segment(
        registry.get_index().write(place.pk.hex, entries, vectors, embed.fingerprint)
    )
    Chunk.objects.filter(document__collection=place).update(segment=segment)
    return place


def ingested(user: Any, place: Any, path: Path) -> Any:
    """Upload a file, ingest it as the worker does, and return the document's key. Raise SystemExit if that fails."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    from apps.documents.ingestion.worker import process_queue
    from apps.documents.library.uploads import store_upload
    from apps.documents.models import Document

    document = store_upload(user, place, SimpleUploadedFile(path.name, path.read_bytes()))
    process_queue(document.pk)
    row = Document.objects.get(pk=document.pk)
    if row.status != Document.Status.READY:
        raise SystemExit(f"{path.name} did not become searchable: {row.reason}")
    return row.pk


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
