"""Bombs, entities and disguises in office formats, pictures and markup: refused, or read within limits."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings as live
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.documents.library.uploads import store_upload
from apps.documents.models import Document
from apps.reading.parsing.detection import refuse_by_extension
from apps.reading.parsing.office import ole_container
from apps.reading.parsing.protocol import ParseError
from apps.reading.sandbox import runner
from apps.reading.sandbox.runner import detect_format
from apps.users.models import User
from tests.documents import sample_files
from tests.factories import make_collection
from tests.reading.parsing import hostile_files, ole_files
from tests.reading.parsing.parser_runs import parse_in_sandbox


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.xlsx", hostile_files.cells),
        ("a.xlsx", hostile_files.many_cells),
        ("a.xlsx", hostile_files.sparse),
        ("a.xlsx", lambda: hostile_files.text_cell("&a10;", hostile_files.laughs())),
        ("a.xlsx", lambda: hostile_files.workbook("", extra={"x": bytes(210 * 1024**2)})),
        ("a.xml", lambda: (hostile_files.laughs() + "<x>&a10;</x>").encode()),
        ("a.html", lambda: (hostile_files.laughs() + "<html>&a10;</html>").encode()),
        ("a.pdf", hostile_files.page_loop),
        ("a.doc", hostile_files.ole_loop),
        ("a.png", lambda: hostile_files.png(20_000, 20_000)),
        ("a.png", lambda: hostile_files.png(2**31 - 1, 2**31 - 1, packed=b"x")),
        ("a.png", lambda: hostile_files.png(1, 65_500)),
        ("a.csv", lambda: b'a,b\n"' + b"x" * 90_000_000 + b'",1\n'),
        ("a.json", lambda: b"[" * 500_000 + b"]" * 500_000),
        ("a.ipynb", lambda: b'{"cells":' + b"[" * 500_000),
        ("a.xml", lambda: b"<x>" * 300_000 + b"</x>" * 300_000),
        ("a.eml", lambda: b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n" * 200_000),
        (
            "a.eml",
            lambda: b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000)),
        ),
        ("a.eml", lambda: b"Content-Type: message/rfc822\n\n" * 3000),
        pytest.param(
            "a.html",
            lambda: b"<style>" + b".a{display:none}" * 200_000 + b"</style>" + b"<p class='a b'>x</p>" * 20_000,
            marks=pytest.mark.slow,
        ),
        ("a.html", lambda: b"<p style='" + b"font:" * 100_000 + b"'>x<p style='" + b"color:rgb(" * 50_000 + b"'>y"),
        ("a.ods", hostile_files.repeated),
        ("a.xlsx", hostile_files.merged),
        ("a.docx", lambda: hostile_files.boxes(60)),
        ("a.docx", lambda: hostile_files.boxes(20_000)),
        ("a.html", hostile_files.styled),
        ("a.rtf", lambda: b"{\\rtf1" + b"{" * 500_000 + b"}" * 500_000),
        ("a.epub", lambda: sample_files.archive(META_INF__container_xml=b"", mimetype=b"application/epub+zip")),
    ],
)
def test_hostile_office_file_is_refused_or_read_within_the_limits(
    tmp_path: Path, name: str, make: Callable[[], bytes]
) -> None:
    try:
        text = parse_in_sandbox(tmp_path, name, make())[0]
    except ParseError as error:
        assert len(str(error)) > 20
    else:
        assert "lollol" not in text and len(text) < 100_000_000


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.xlsx", lambda path: hostile_files.text_cell("before &x; after", hostile_files.reads(path))),
        ("a.xml", lambda path: (hostile_files.reads(path) + "<r>before &x; after</r>").encode()),
        ("a.html", lambda path: (hostile_files.reads(path) + "<html>before &x; after</html>").encode()),
        ("a.rst", lambda path: f"before\n\n.. include:: {path}\n\n.. raw:: html\n   :file: {path}\n".encode()),
        ("a.docx", lambda path: sample_files.raw_docx("<w:p/>", extra={f"../../..{path}": b"x", path: b"y"})),
    ],
)
def test_office_document_reads_no_file_of_the_server(tmp_path: Path, name: str, make: Callable[[str], bytes]) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret of the server")
    with contextlib.suppress(ParseError):
        assert "secret of the server" not in parse_in_sandbox(tmp_path, name, make(str(secret)))[0]
    assert secret.read_text() == "the secret of the server"  # and no archive was unpacked over it


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("a.html", lambda: sample_files.pdf("Text") + b"<html><script>alert(1)</script></html>", "a PDF"),
        ("a.pdf", lambda: b"<html>" + b" " * 2000 + sample_files.pdf("Text"), "web page"),
        ("a.xlsx", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "password"),
        ("a.xlsx", lambda: hostile_files.workbook("")[:300], "damaged"),
        ("a.png", lambda: b"\x89PNG\r\n\x1a\n" + bytes(100), "picture"),
    ],
)
def test_a_disguise_is_told(tmp_path: Path, name: str, make: Callable[[], bytes], words: str) -> None:
    with pytest.raises(ParseError, match=words):
        parse_in_sandbox(tmp_path, name, make())[0]


def test_a_container_with_a_table_larger_than_its_file_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.doc"
    path.write_bytes(hostile_files.ole_loop())
    monkeypatch.setattr(ole_container.olefile, "OleFileIO", None)
    with pytest.raises(ParseError, match="damaged"):
        ole_container.detect_ole_kind(path)


def test_ole_container_with_a_missing_sector_table_is_still_recognised(tmp_path: Path) -> None:
    path, made = tmp_path / "a.doc", bytearray(ole_files.ole({"WordDocument": b"x"}))
    made[64:68] = b"\xfe\xff\xff\xff"  # how many sectors the table of short streams takes: there are none
    path.write_bytes(made)
    assert ole_container.detect_ole_kind(path) == "doc"


def test_mimetype_entry_of_an_archive_is_not_unpacked_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.odt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", b"application/vnd.oasis.opendocument.text" + b" " * 30_000_000)
    tracemalloc.start()
    try:
        assert detect_format(path, "a.odt") == "odt"
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


def test_macros_and_scripts_are_not_text(tmp_path: Path) -> None:
    macro = sample_files.raw_docx(
        "<w:p><w:r><w:t>Seen.</w:t></w:r></w:p>", extra={"word/vbaProject.bin": b"Sub AutoOpen()"}
    )
    assert parse_in_sandbox(tmp_path, "a.docm", macro)[0] == "Seen."
    page = sample_files.pdf("Seen.").replace(
        b"/Type /Catalog", b"/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>/Type /Catalog"
    )
    assert parse_in_sandbox(tmp_path, "a.pdf", page)[0].strip() == "Seen."


@pytest.mark.parametrize("name", ["a.svg", "a.exe", "a.dll", "a.zip", "a.tar.gz", "a.mp4", "a.vsd", "a.wps"])
def test_file_of_an_unread_format_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(ParseError, match=r"cannot be read|not unpacked"):
        refuse_by_extension(name)


def test_a_reader_that_never_stops_complaining_is_stopped(tmp_path: Path) -> None:
    """R03: a log line without end stops at the size of a file that a reader may write."""
    code = (
        "import sys\nfrom apps.reading.sandbox.child_process import confine_process\nconfine_process(20, 1 << 28)\n"
        "while True: sys.stderr.write('x' * 65536)"
    )
    with (tmp_path / "said").open("wb") as said:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, stderr=said, env={"PYTHONPATH": str(live.BASE_DIR)}
        )
    assert done.returncode != 0 and (tmp_path / "said").stat().st_size <= 16 * 1024**2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.html", b"<html><script>alert(1)</script></html>"),
        ("a.xml", b"<?xml-stylesheet href='x'?><svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("a.mhtml", b"MIME-Version: 1.0\nContent-Type: text/html\n\n<script>alert(1)</script>"),
        ("a.txt", b"<svg onload=alert(1)>"),
    ],
)
def test_markup_is_only_ever_saved(alice: User, alice_client: Client, name: str, content: bytes) -> None:
    """T44."""
    row = store_upload(alice, make_collection(alice), SimpleUploadedFile(name, content))
    response = alice_client.get(f"/documents/{row.pk}/file/")
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    assert response["Content-Type"] == "application/octet-stream" and response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"


@pytest.mark.django_db
def test_a_link_in_the_place_of_a_stored_file_is_not_handed_out(
    alice: User, alice_client: Client, tmp_path: Path
) -> None:
    """T41."""
    row = store_upload(alice, make_collection(alice), SimpleUploadedFile("a.txt", b"words"))
    secret, stored = tmp_path / "secret", Path(row.file.path)
    secret.write_text("secret")
    stored.unlink()
    stored.symlink_to(secret)
    assert alice_client.get(f"/documents/{row.pk}/file/").status_code == 404
    Document.objects.filter(pk=row.pk).update(file="../../../etc/hostname")
    assert alice_client.get(f"/documents/{row.pk}/file/").status_code == 404


@pytest.mark.parametrize("far", ["XFD1048576", "XFD2000"])
def test_sound_workbook_with_a_far_cell_is_too_large_and_not_damaged(tmp_path: Path, far: str) -> None:
    row = far.lstrip("XFD")
    cells = f'<row r="1"><c r="A1"><v>1</v></c></row><row r="{row}"><c r="{far}"><v>2</v></c></row>'
    with pytest.raises(ParseError) as caught:
        parse_in_sandbox(tmp_path, "a.xlsx", hostile_files.workbook(cells))
    assert str(caught.value) == runner.TOO_LARGE
