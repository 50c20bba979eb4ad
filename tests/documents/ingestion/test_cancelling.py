"""A document can be cancelled at any point of its way, leaves nothing behind, and becomes ready when it is retried;
whatever goes the same way with it is not held up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.documents.ingestion import pipeline as ingesting
from apps.documents.ingestion import publishing
from apps.documents.ingestion.pipeline import ingest
from apps.documents.library import uploads
from apps.documents.models import Chunk, Document, Page, Segment
from apps.users.models import User
from tests.factories import make_collection, upload_file

pytestmark = pytest.mark.django_db

STEPS = [
    (ingesting, "_detect_format"),
    (ingesting, "parse_batch"),
    (ingesting, "_chunk"),
    (ingesting, "_embed"),
    (ingesting, "_screen"),
    (publishing, "store_rows"),
    (publishing, "write_segments"),
    (publishing, "commit_documents"),
]


def around(step: Callable[..., Any], act: Callable[[], None], when: str) -> Callable[..., Any]:
    """The step, and before or after it, once, what else happens."""
    done: list[None] = []

    def once() -> None:
        if not done:
            done.append(None)
            act()

    def acted(*args: Any) -> Any:
        if when == "before":
            once()
        found = step(*args)
        if when == "after":
            once()
        return found

    def acted_with_each(*args: Any) -> Iterator[Any]:
        if when == "before":
            once()
        for found in step(*args):
            if when == "after":
                once()
            yield found

    return acted_with_each if step.__name__ == "parse_batch" else acted


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("module", "step"), STEPS, ids=[name for _, name in STEPS])
@pytest.mark.parametrize("others", [0, 2])
def test_cancelled_in_any_step_and_retried(
    alice: User, monkeypatch: pytest.MonkeyPatch, module: Any, step: str, when: str, others: int
) -> None:
    collection = make_collection(alice)
    rows = [upload_file(collection, f"{n}.txt", f"Every employee has {n} days of leave.") for n in range(others + 1)]
    document = rows[others // 2]
    with monkeypatch.context() as patch:
        patch.setattr(
            module, step, around(getattr(module, step), lambda: uploads.cancel_ingestion(alice, document), when)
        )
        ingest(*(row.pk for row in rows))
    document.refresh_from_db()
    late = (step, when) == ("commit_documents", "after")  # it was ready by then, and stays so
    assert document.status == (Document.Status.READY if late else Document.Status.CANCELLED)
    assert document.lease_token == "" and document.stage == ""
    assert Document.objects.filter(status="ready").count() == others + late
    assert Chunk.objects.searchable().count() == Chunk.objects.count() == Page.objects.count() == others + late
    assert Segment.objects.count() == min(1, others + late)

    uploads.requeue_document(document)
    ingest(document.pk)
    document.refresh_from_db()
    assert (document.status, document.reason, document.attempts) == ("ready", "", 0)
    assert Chunk.objects.searchable().count() == Page.objects.count() == others + 1
