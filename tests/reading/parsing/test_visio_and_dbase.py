"""Visio drawings and dBASE tables as a reader sees them."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest

from apps.reading.parsing.data import dbase
from apps.reading.parsing.office import visio
from apps.reading.parsing.protocol import (
    HIDDEN_TEXT_LEFT_OUT,
    ParseError,
)
from apps.reading.sandbox.runner import detect_format
from tests.documents import sample_files
from tests.reading.parsing.parser_runs import parse_file

_V = 'xmlns="http://schemas.microsoft.com/office/visio/2012/main"'
_R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
_P = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'


def shape(words: str, top: float = 1, inner: str = "", **cells: str) -> str:
    values = "".join(f'<Cell N="{name}" V="{value}"/>' for name, value in {"PinY": str(top), **cells}.items())
    return f"<Shape>{values}<Text>{words}</Text><Shapes>{inner}</Shapes></Shape>"


def drawing(*pages: str, layers: str = "") -> bytes:
    listed = "".join(
        f'<Page NameU="Page-{n}" Name="Plan {n}"><PageSheet>{layers}</PageSheet><Rel r:id="rId{n}"/></Page>'
        for n in range(len(pages))
    )
    links = "".join(f'<Relationship Id="rId{n}" Target="page{n}.xml"/>' for n in range(len(pages)))
    parts = {
        "visio/document.xml": f"<VisioDocument {_V}/>",
        "visio/pages/pages.xml": f"<Pages {_V} {_R}>{listed}</Pages>",
        "visio/pages/_rels/pages.xml.rels": f"<Relationships {_P}>{links}</Relationships>",
        "docProps/core.xml": '<c xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Pipes</dc:title></c>',
    }
    for n, shapes in enumerate(pages):
        parts[f"visio/pages/page{n}.xml"] = f"<PageContents {_V}><Shapes>{shapes}</Shapes></PageContents>"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as out:
        for name, text in parts.items():
            out.writestr(name, text)
    return stream.getvalue()


def test_a_drawing_is_read_from_top_to_bottom(file: Path) -> None:
    content = drawing(shape("Drain", 1) + shape("Boiler", 9, shape("inside <b>it</b>")), shape("Roof"))
    title, pages, notes = parse_file(visio.parse, file, content)
    assert detect_format(file, "plan.vsdx") == "visio"
    assert (title, notes) == ("Pipes", [])
    assert pages == ["Plan 0\n\nBoiler\n\ninside it\n\nDrain", "Plan 1\n\nRoof"]


def test_hidden_layers_and_shapes_of_a_visio_drawing_are_left_out(file: Path) -> None:
    layer = '<Section N="Layer"><Row IX="0"><Cell N="Visible" V="0"/></Row><Row IX="1"/></Section>'
    shapes = shape("Seen", LayerMember="0;1") + shape("Layer", LayerMember="0") + shape("Off", HideText="1")
    _, pages, notes = parse_file(visio.parse, file, drawing(shapes, layers=layer))
    assert pages == ["Plan 0\n\nSeen"] and notes == [HIDDEN_TEXT_LEFT_OUT]


def test_a_broken_drawing_says_so(file: Path) -> None:
    for content in (drawing(shape("Boiler"))[:300], sample_files.archive(visio__document_xml=b"<x/>")):
        with pytest.raises(ParseError, match="damaged"):
            parse_file(visio.parse, file, content)


def table(*rows: bytes, code: int = 0x03, fields: tuple[tuple[str, str, int], ...] = ()) -> bytes:
    fields = fields or (("NAME", "C", 8), ("BORN", "D", 8), ("SUM", "N", 6), ("PAID", "L", 1))
    header = b"".join(
        name.encode().ljust(11, b"\0") + kind.encode() + bytes(4) + bytes((size, 0)) + bytes(14)
        for name, kind, size in fields
    )
    start, width = 32 + len(header) + 1, 1 + sum(size for *_, size in fields)
    head = b"\x03" + bytes((124, 5, 1)) + struct.pack("<IHH", len(rows), start, width) + bytes(17) + bytes((code,))
    return head.ljust(32, b"\0") + header + b"\r" + b"".join(rows) + b"\x1a"


def test_a_row_of_a_dbase_table_names_its_columns(file: Path) -> None:
    rows = b" M\xfcller  20240501 12.50T", b" Lopez           ", b"*Deleted 20240501     1F"
    _, (page,), notes = parse_file(dbase.parse, file, table(rows[0], rows[1].ljust(24), rows[2]))
    assert detect_format(file, "people.dbf") == "dbase"
    assert page.split("\n") == ["NAME: Müller; BORN: 2024-05-01; SUM: 12.50; PAID: TRUE", "NAME: Lopez"]
    assert notes == [HIDDEN_TEXT_LEFT_OUT]


def test_numbers_and_memos_of_a_dbase_table(file: Path) -> None:
    fields = (("ID", "I", 4), ("PRICE", "Y", 8), ("TEXT", "M", 10))
    row = b" " + struct.pack("<iq", 7, 125_000) + b"         1"
    _, (page,), notes = parse_file(dbase.parse, file, table(row, row, fields=fields))
    assert "ID: 7; PRICE: 12.5" in page and "memo fields" in notes[0]


@pytest.mark.parametrize("size", [10, 60, 100, 161])
def test_a_broken_dbase_table_says_so(file: Path, size: int) -> None:
    with pytest.raises(ParseError, match="damaged"):
        parse_file(dbase.parse, file, table(b" M".ljust(24))[:size])


@pytest.mark.parametrize("text", ["2024 was a good year.\n" * 9, "1\n\n2\t3" * 30, "c\n\x1fx" * 40])
def test_a_text_is_no_table(file: Path, text: str) -> None:
    for content in (text.encode(), text.encode("utf-16"), text.encode("utf-16-be")):
        assert not dbase.is_dbase(content)
