"""Hostile files of office formats, pictures and markup, as bytes."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from tests.documents.sample_files import raw_docx

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def workbook(rows: str | bytes, *, doctype: str = "", extra: dict[str, bytes] | None = None) -> bytes:
    """Return a workbook of one sheet with this XML as its rows."""
    inner = rows if isinstance(rows, bytes) else rows.encode()
    sheet = f'<?xml version="1.0"?>{doctype}<worksheet xmlns="{_MAIN}"><sheetData>'.encode()
    one, of = '<Relationship Id="r1" Type="', f'<Relationships xmlns="{_PACKAGE}/relationships">'
    part = "<Override PartName="
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType='
        f'"application/vnd.openxmlformats-package.relationships+xml"/>{part}"/xl/workbook.xml" '
        f'ContentType="{_OFFICE}.sheet.main+xml"/>{part}"/xl/worksheets/sheet1.xml" '
        f'ContentType="{_OFFICE}.worksheet+xml"/></Types>',
        "_rels/.rels": f'{of}{one}{_RELS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELS}"><sheets>'
        '<sheet name="Sheet" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{of}{one}{_RELS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, words in parts.items():
            archive.writestr(name, words)
        archive.writestr("xl/worksheets/sheet1.xml", sheet + inner + b"</sheetData></worksheet>")
        for name, content in (extra or {}).items():
            archive.writestr(name, content)
    return file.getvalue()


def cells(count: int = 4_000_000) -> bytes:
    """Return a small workbook that expands to millions of cells."""
    return workbook((b"<row>" + b"<c><v>1</v></c>" * 1000 + b"</row>") * (count // 1000))


def many_cells(count: int = 400_000) -> bytes:
    """Return a large workbook that is harmless: all its cells differ."""
    row = "".join(f"<c><v>{{0}}{n * 7919 % 99991}</v></c>" for n in range(100))
    return workbook("".join(f"<row>{row.format(n)}</row>" for n in range(count // 100)))


def sparse() -> bytes:
    """Return a workbook with two cells so far apart that the table between them would have 17 billion."""
    return workbook('<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>')


def repeated() -> bytes:
    """Return an OpenDocument table of one cell that is declared to be repeated 17 billion times."""
    names = "urn:oasis:names:tc:opendocument:xmlns"
    table = (
        f'<office:document-content xmlns:office="{names}:office:1.0" xmlns:text="{names}:text:1.0" '
        f'xmlns:table="{names}:table:1.0"><office:body><office:spreadsheet><table:table table:name="a">'
        '<table:table-row table:number-rows-repeated="1048576"><table:table-cell office:value-type="float" '
        'office:value="1" table:number-columns-repeated="16384"><text:p>1</text:p></table:table-cell>'
        "</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", table)
    return file.getvalue()


def merged(ranges: int = 3_000, rows: int = 2_000) -> bytes:
    """Return a workbook with many merged ranges, each of which spans the whole sheet."""
    cells = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c><c r="B{n}"><v>{n}</v></c></row>' for n in range(1, rows))
    spans = '<mergeCell ref="A1:XFD1048576"/>' * ranges
    return workbook(f"{cells}</sheetData><mergeCells>{spans}</mergeCells><sheetData>")


def boxes(depth: int) -> bytes:
    """Return a Word document with nested text boxes."""
    opened, closed = "<w:p><w:r><w:pict><w:txbxContent>", "</w:txbxContent></w:pict></w:r></w:p>"
    return raw_docx(f"{opened * depth}<w:p><w:r><w:t>deep</w:t></w:r></w:p>{closed * depth}")


def styled(rules: int = 5_000) -> bytes:
    """Return a web page with many rules on ancestors, for elements with many ancestors."""
    css = "".join(f".out .in .c{n}{{display:none}}" for n in range(rules))
    inner = "".join(f"<p class='c{n} c{n + 1} c{n + 2}'>x</p>" for n in range(8_000))
    return f"<style>{css}</style>{'<div class=in>' * 150}{inner}".encode()


def text_cell(text: str, doctype: str = "") -> bytes:
    """Return a workbook with one cell of text."""
    return workbook(f'<row r="1"><c r="A1" t="inlineStr"><is><t>{text}</t></is></c></row>', doctype=doctype)


def laughs() -> str:
    """Return a document type whose entity a10 expands to ten billion times "lol"."""
    entities = '<!ENTITY a0 "lol">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 11))
    return f"<!DOCTYPE x [{entities}]>"


def reads(path: str) -> str:
    """Return a document type whose entity x is a file of the server."""
    return f'<!DOCTYPE x [<!ENTITY x SYSTEM "file://{path}">]>'


def page_loop() -> bytes:
    """Return a PDF whose page tree contains itself."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 9/Kids[2 0 R 3 0 R]>>",
               b"<</Type/Pages/Count 9/Kids[2 0 R 2 0 R]/Parent 2 0 R>>"]  # fmt: skip
    out, places = bytearray(b"%PDF-1.5\n"), []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 4\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(out + b"trailer<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % start)


def png(width: int, height: int, *, packed: bytes = b"") -> bytes:
    """Return a grey PNG of this size, in few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    if not packed:
        packer, row = zlib.compressobj(9), bytes(1 + (width + 7) // 8)
        packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def ole_loop() -> bytes:
    """Return an OLE container whose allocation table is declared to have 250 million entries, all in the first
    sector."""
    end, more = 0xFFFFFFFE, 2_000_000
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    head += struct.pack("<HHHHH6xIIIIIIIII", 62, 3, 0xFFFE, 9, 6, 0, 109 + 127 * more, 1, 0, 4096, end, 0, 0, more)
    head += struct.pack("<109I", *[1] * 109)
    return head + struct.pack("<128I", *[1] * 127, 0) + struct.pack("<128I", *[end] * 128) + bytes(1024)
