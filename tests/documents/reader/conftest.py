"""Fixtures of the reader tests: a PDF of two pages, and the text of a response."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apps.documents.models import Collection, Document, Page
from tests.documents.sample_files import pdf
from tests.factories import upload_file

FIRST_PAGE = "The first page speaks of bicycles."
SECOND_PAGE = "The second page speaks of parking. It is free on Sunday."
MARK_TAG = r"<mark\s+data-here\s*>"  # regular expression


@pytest.fixture
def document(collection: Collection, settings: Any, tmp_path: Path) -> Document:
    """Return a real PDF of two pages, as the worker leaves it."""
    settings.DATA_DIR = tmp_path
    row = upload_file(collection, "paper.pdf", pdf(FIRST_PAGE, SECOND_PAGE))
    Page.objects.bulk_create(
        [Page(document=row, number=1, text=FIRST_PAGE), Page(document=row, number=2, text=SECOND_PAGE)]
    )
    Document.objects.filter(pk=row.pk).update(status="ready", kind="pdf", pages_count=2)
    row.refresh_from_db()
    return row


def get_page_text(response: Any) -> str:
    """Return the HTML of a successful response."""
    assert response.status_code == 200
    return str(response.content.decode())
