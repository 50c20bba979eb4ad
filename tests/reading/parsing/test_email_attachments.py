"""What is attached to an e-mail or an Outlook message: read, or named among what was left out with the reason."""

from __future__ import annotations

import io
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from fpdf import FPDF
from PIL import Image

from apps.documents.ingestion.pipeline import ingest
from apps.documents.library.uploads import store_upload
from apps.reading.parsing.email import eml, outlook_msg
from apps.reading.parsing.protocol import ParsedPage, ParseLimits, ParseNotice
from apps.reading.sandbox import runner
from apps.reading.sandbox.runner import detect_format
from apps.users.models import User
from tests.documents.sample_files import scan_pdf, text_picture
from tests.factories import make_collection
from tests.reading.parsing.ole_files import message, ole
from tests.reading.parsing.parser_runs import OCR_MEMORY


def read(path: Path, content: bytes, module: object = eml) -> tuple[list[str], str]:
    """The text of each page, and the notes."""
    path.write_bytes(content)
    found = list(module.parse(str(path), ParseLimits()))  # type: ignore[attr-defined]
    pages = [item for item in found if isinstance(item, ParsedPage)]
    assert [page.number for page in pages] == [*range(1, len(pages) + 1)]
    return [page.text for page in pages], " ".join(item.text for item in found if isinstance(item, ParseNotice))


def mailed(subject: str, *attached: tuple[str, bytes], body: str = "See attached.") -> bytes:
    made = EmailMessage()
    made["Subject"] = subject
    made.set_content(body)
    for name, content in attached:
        made.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return bytes(made)


def png(size: tuple[int, int] = (20, 20)) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", size, "teal").save(content, "PNG")
    return content.getvalue()


def scanned() -> bytes:
    """A PDF of a picture and nothing else."""
    document = FPDF()
    document.add_page()
    document.image(io.BytesIO(text_picture("Thirty days")), 10, 20, 180)
    return bytes(document.output())


def recognised(path: Path, content: bytes, name: str) -> list[str]:
    """The text of the pages as the worker stores them, children and all."""
    path.write_bytes(content)
    kind = detect_format(path, name)
    options = {"kind": kind, "pages": 9, "characters": 9000, "name": name}
    found = [
        answer
        for answer in runner.run_task("parse", path, options, seconds=60, memory_bytes=OCR_MEMORY)
        if "page" in answer
    ]
    numbers = [answer["page"] for answer in found if answer["scan"]]
    told = runner.run_task("recognise", path, {"kind": kind, "numbers": numbers}, seconds=90, memory_bytes=OCR_MEMORY)
    texts = {answer["page"]: answer for answer in told if "page" in answer}
    assert [answer["page"] for answer in texts.values() if "problem" in answer or answer["boxes"]] == []
    return [texts.get(answer["page"], answer)["text"] for answer in found]


def test_unread_attachments_are_named_in_a_note(file: Path) -> None:
    left_out = ("run.exe", b"MZ" + bytes(90)), ("torn.png", png((200, 200))[:20])
    pages, note = read(file, mailed("Papers", *left_out))
    assert len(pages) == 1
    assert note == "Attachments left out: run.exe, torn.png."


@pytest.mark.slow
def test_text_of_pictures_and_scans_is_recognised_below_their_names(file: Path) -> None:
    attached = (
        ("leave.png", text_picture("Thirty days of leave")),
        ("scan.pdf", scanned()),
        ("terms.txt", b"Cash only."),
    )
    for content, name in (
        (mailed("Papers", *attached), "a.eml"),
        (ole(message("Papers", "See attached.", *attached)), "a.msg"),
    ):
        first, *rest = recognised(file, content, name)
        assert "See attached." in first
        assert rest == [
            "Attachment: leave.png\n\nThirty days of leave", "Attachment: scan.pdf\n\nThirty days",
            "Attachment: terms.txt\n\nCash only.",
        ]  # fmt: skip


def test_signs_and_what_stands_below_every_message_cost_no_recognition(file: Path) -> None:
    box = b"".join(
        b"From a@b Mon Jan %d\n" % day + mailed("News", ("dot.png", png()), ("logo.png", png((300, 100)))) + b"\n"
        for day in (1, 2)
    )
    file.write_bytes(box)
    found = [item for item in eml.parse(str(file), ParseLimits()) if isinstance(item, ParsedPage)]
    assert [page.scan for page in found] == [False, True, False]


def test_attachment_that_is_scanned_in_part_keeps_its_pages(file: Path) -> None:
    pages, note = read(
        file, mailed("Papers", ("scan.pdf", scan_pdf(text_picture("Thirty days"), text_picture("of leave"))))
    )
    assert pages[1:] == ["Attachment: scan.pdf\n\n1", "Attachment: scan.pdf\n\n2"]
    assert note == ""


@pytest.mark.django_db(transaction=True)
def test_a_picture_in_a_mail_is_found_by_its_words(alice: User, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    content = mailed(
        "Papers", ("leave.png", text_picture("Bicycles stand behind the house")), ("sea.png", png((300, 300)))
    )
    row = store_upload(alice, make_collection(alice), SimpleUploadedFile("papers.eml", content))
    ingest(row.pk)
    row.refresh_from_db()
    assert (row.status, row.note, row.pages_count) == ("ready", "", 3)
    chunk = row.chunks.get(heading="Attachment: leave.png")
    assert chunk.text == "Attachment: leave.png Bicycles stand behind the house"
    assert not row.chunks.filter(heading__contains="sea.png").exists()


@pytest.mark.django_db(transaction=True)
def test_an_attachment_of_too_many_pages_moves_no_picture_behind_it(alice: User, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR, settings.MAX_PAGES = tmp_path, 2
    long = FPDF()
    long.set_font("helvetica")
    for number in range(3):
        long.add_page()
        long.cell(text=f"Part {number}")
    attached = ("long.pdf", bytes(long.output())), ("leave.png", text_picture("Bicycles stand behind the house"))
    row = store_upload(alice, make_collection(alice), SimpleUploadedFile("papers.eml", mailed("Papers", *attached)))
    ingest(row.pk)
    row.refresh_from_db()
    assert (row.status, row.pages_count) == ("ready", 2) and "long.pdf" in row.note and "recognised" not in row.note
    assert "Bicycles stand" in row.chunks.get(heading="Attachment: leave.png").text


def test_mails_that_are_attached_as_files_are_read(file: Path) -> None:
    inner = mailed("Inner", ("b.csv", b"Item,Price\nTea,3\n"), body="The price of tea.")
    box = b"From a@b Mon Jan 1\nSubject: One\n\nFirst.\n\nFrom a@b Mon Jan 2\nSubject: Two\n\nSecond.\n"
    note = ole(message("From Outlook", "Coffee is dearer.", ("c.txt", b"Since May.")))
    pages, told = read(file, mailed("Outer", ("inner.eml", inner), ("old.mbox", box), ("note.msg", note)))
    assert pages[1:3] == ["Inner\n\nSubject: Inner\n\nThe price of tea.", "Attachment: b.csv\n\nItem: Tea; Price: 3"]
    assert [page.partition("\n")[0] for page in pages[3:5]] == ["One", "Two"]
    assert "Coffee is dearer." in pages[5] and pages[6].startswith("Attachment: c.txt\n\nSince May.")
    assert told == ""


def test_an_outlook_message_is_read_with_the_messages_in_it(file: Path) -> None:
    inner = message("Earlier", "What does it cost?", ("run.exe", b"MZ" + bytes(90)))
    content = ole(message("Offer", "It costs ten.", ("terms.txt", b"Thirty days."), inner))
    file.write_bytes(content)
    assert detect_format(file, "offer.msg") == "msg"
    pages, told = read(file, content, outlook_msg)
    assert [page.partition("\n")[0] for page in pages] == ["Offer", "Attachment: terms.txt", "Earlier"]
    assert "What does it cost?" in pages[2]
    assert told == "Attachments left out: run.exe."


def test_mails_in_mails_are_read_to_a_depth_and_the_rest_is_named(file: Path) -> None:
    content, tree = mailed("5"), message("5", "Deep.")
    for number in range(4, -1, -1):
        content, tree = mailed(str(number), ("further.eml", content)), message(str(number), "Outer.", tree)
    for whole, module, name in ((content, eml, "further.eml"), (ole(tree), outlook_msg, "4")):
        pages, told = read(file, whole, module)
        assert [page.partition("\n")[0] for page in pages] == ["0", "1", "2", "3"]
        assert told == f"Attachments left out: {name} (in more than 3 messages)."


def test_the_worker_reads_them_in_its_child(file: Path) -> None:
    file.write_bytes(mailed("Outer", ("note.msg", ole(message("Inner", "Coffee is dearer.")))))
    options = {"kind": detect_format(file, "a.eml"), "pages": 9, "characters": 9000, "name": "a.eml"}
    answers = runner.run_task("parse", file, options, seconds=60, memory_bytes=1024**3)
    assert "Coffee is dearer." in "".join(answer.get("text", "") for answer in answers)
