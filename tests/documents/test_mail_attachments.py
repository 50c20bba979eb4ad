"""What is attached to an e-mail or an Outlook message: read, or named among what was left out with the reason."""

from __future__ import annotations

import io
from email.message import EmailMessage
from pathlib import Path

import pytest
from fpdf import FPDF
from PIL import Image

from apps.documents import sandbox
from apps.documents.parsers import mail, outlook
from apps.documents.parsers.base import Limits, Note, ParsedPage
from apps.documents.sniff import sniff
from tests.documents.ole_files import message, ole
from tests.documents.test_recognition import drawn, scan


def read(path: Path, content: bytes, module: object = mail) -> tuple[list[str], str]:
    """The text of each page, and the notes."""
    path.write_bytes(content)
    found = list(module.parse(str(path), Limits()))  # type: ignore[attr-defined]
    pages = [item for item in found if isinstance(item, ParsedPage)]
    assert [page.number for page in pages] == [*range(1, len(pages) + 1)]
    assert not any(page.scan for page in pages)  # nothing would be recognised in a page of a mail
    return [page.text for page in pages], " ".join(item.text for item in found if isinstance(item, Note))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


def mailed(subject: str, *attached: tuple[str, bytes], body: str = "See attached.") -> bytes:
    made = EmailMessage()
    made["Subject"] = subject
    made.set_content(body)
    for name, content in attached:
        made.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return bytes(made)


def png() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (20, 20), "teal").save(content, "PNG")
    return content.getvalue()


def scanned() -> bytes:
    """A PDF of a picture and nothing else."""
    document = FPDF()
    document.add_page()
    document.image(io.BytesIO(drawn("Thirty days")), 10, 20, 180)
    return bytes(document.output())


def test_what_is_not_read_is_named_with_the_reason(file: Path) -> None:
    left_out = ("scan.pdf", scanned()), ("sea.png", png()), ("run.exe", b"MZ" + bytes(90))
    pages, note = read(file, mailed("Papers", *left_out))
    assert len(pages) == 1
    assert note == "Attachments that were left out: scan.pdf (1 scanned page), sea.png (a picture), run.exe."


def test_of_an_attachment_that_is_scanned_in_part_the_rest_is_read(file: Path) -> None:
    pages, note = read(file, mailed("Papers", ("scan.pdf", scan(drawn("Thirty days"), drawn("of leave")))))
    assert pages[1:] == ["Attachment: scan.pdf\n\n1", "Attachment: scan.pdf\n\n2"]
    assert note == "Attachments that were left out: scan.pdf (of it 2 scanned pages)."


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
    inner = message("Earlier", "What does it cost?", ("scan.pdf", scanned()))
    content = ole(message("Offer", "It costs ten.", ("terms.txt", b"Thirty days."), inner))
    file.write_bytes(content)
    assert sniff(file, "offer.msg") == "msg"
    pages, told = read(file, content, outlook)
    assert [page.partition("\n")[0] for page in pages] == ["Offer", "Attachment: terms.txt", "Earlier"]
    assert "What does it cost?" in pages[2]
    assert told == "Attachments that were left out: scan.pdf (1 scanned page)."


def test_mails_in_mails_are_read_to_a_depth_and_the_rest_is_named(file: Path) -> None:
    content, tree = mailed("5"), message("5", "Deep.")
    for number in range(4, -1, -1):
        content, tree = mailed(str(number), ("further.eml", content)), message(str(number), "Outer.", tree)
    for whole, module, name in ((content, mail, "further.eml"), (ole(tree), outlook, "4")):
        pages, told = read(file, whole, module)
        assert [page.partition("\n")[0] for page in pages] == ["0", "1", "2", "3"]
        assert told == f"Attachments that were left out: {name} (in more than 3 messages)."


def test_the_worker_reads_them_in_its_child(file: Path) -> None:
    file.write_bytes(mailed("Outer", ("note.msg", ole(message("Inner", "Coffee is dearer.")))))
    options = {"kind": sniff(file, "a.eml"), "pages": 9, "characters": 9000, "name": "a.eml"}
    answers = sandbox.run("parse", file, options, seconds=60, memory_bytes=1024**3)
    assert "Coffee is dearer." in "".join(answer.get("text", "") for answer in answers)
