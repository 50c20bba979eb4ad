"""Handbook: the committed files match their sources."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import docx
import pypdfium2
import pytest

from apps.operations import sample_collection
from apps.operations.handbook import make
from assistant.boot.layout import ROOT

LOADED = """
import django; django.setup()
from django.conf import settings
from tests.support import prepared_site
prepared_site.copy_tables(settings.DATA_DIR)
from apps.documents.ingestion.pipeline import ingest
from apps.documents.models import Document
from apps.operations import sample_collection
from apps.safety.models import Case
from apps.users.models import User
ada = User.objects.create_user("ada@example.org", "correct horse battery", name="Ada", role="admin")
sample_collection.load_sample(ada)
for row in Document.objects.all():
    ingest(row.pk)
print([row.status for row in Document.objects.all()], [case.snapshot.text[:60] for case in Case.objects.all()])
"""


def folded(text: str) -> str:
    return re.sub(r"[\s\u00b7\u2022]+", " ", text.replace("\ufffe", "-")).strip()


def source(name: str) -> list[make.HandbookBlock]:
    return list(make.parse_blocks((make.HERE / "source" / f"{name}.md").read_text()))


def test_the_pdf_holds_the_words_of_its_source_and_its_headings() -> None:
    paper = pypdfium2.PdfDocument(sample_collection.HANDBOOK / "First steps.pdf")
    text = " ".join(
        re.sub(r"First steps with Openbook - page \d+", "", page.get_textpage().get_text_range()) for page in paper
    )
    assert folded(text) == folded(" ".join(block.text for block in source("First steps")))
    headings = [mark.get_title() for mark in paper.get_toc()]
    assert headings == [block.text for block in source("First steps") if block.kind in {"title", "heading"}]
    assert 2 <= len(paper) <= 4
    paper.close()


def test_the_word_document_holds_the_words_of_its_source_and_its_headings() -> None:
    document = docx.Document(str(sample_collection.HANDBOOK / "Answers and citations.docx"))
    assert [part.text for part in document.paragraphs] == [block.text for block in source("Answers and citations")]
    styles = [part.style.name for part in document.paragraphs if part.style and part.style.name]
    assert styles.count("Heading 1") == sum(block.kind == "heading" for block in source("Answers and citations"))


def test_sample_handbook_files_are_all_there() -> None:
    assert all((sample_collection.HANDBOOK / name).stat().st_size > 4000 for name in sample_collection.FILES)


@pytest.mark.process
def test_a_new_site_begins_without_cases_about_its_own_handbook(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.endswith(("_BACKEND", "_URL"))}
    done = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True,
        env={**kept, "DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "assistant.settings"},
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "['ready', 'ready', 'ready'] []"
