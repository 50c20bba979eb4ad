"""Files that tests upload: harmless, damaged and hostile ones, as bytes."""

from __future__ import annotations

import io
import zipfile
import zlib

import docx as python_docx
from fpdf import FPDF
from PIL import Image, ImageDraw, ImageFont

PICTURE_FONT = ImageFont.load_default(size=36)

_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/word/document.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
_RELATIONS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Target="word/document.xml" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>'
)
_WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def pdf(*pages: str, title: str = "", size: int = 12) -> bytes:
    """Return a PDF with one page per text."""
    document = FPDF(format="A4")
    document.set_title(title)
    document.set_font("helvetica", size=size)
    for text in pages:
        document.add_page()
        document.multi_cell(0, text=text)
    return bytes(document.output())


def encrypted_pdf() -> bytes:
    """Return a PDF that needs a password."""
    document = FPDF()
    document.set_encryption(owner_password="owner", user_password="user")
    document.set_font("helvetica", size=12)
    document.add_page()
    document.cell(text="Secret")
    return bytes(document.output())


def scanned_pdf() -> bytes:
    """Return a PDF of one page without text."""
    document = FPDF()
    document.add_page()
    document.rect(20, 20, 100, 100, style="F")
    return bytes(document.output())


def hidden_pdf() -> bytes:
    """Return a PDF with visible lines, and lines without ink, white, nearly white, tiny, off the page, and clipped
    away."""
    document = FPDF()
    document.set_font("helvetica", size=12)
    document.add_page()
    document.text(20, 20, "Seen on paper.")
    with document.local_context(text_mode="INVISIBLE"):
        document.text(20, 40, "Hidden without ink.")
    with document.local_context(text_color=(255, 255, 255)):
        document.text(20, 60, "Hidden in white.")
        document.set_fill_color(0, 0, 80)
        document.rect(15, 70, 100, 20, style="F")
        document.text(20, 80, "Seen on a dark box.")
    with document.local_context(text_color=(247, 250, 245)):
        document.text(20, 95, "Hidden in nearly white.")
    with document.local_context(font_size_pt=0.4):
        document.text(20, 100, "Hidden by its size.")
    document.text(900, 120, "Hidden beside the page.")
    with document.rect_clip(x=150, y=250, w=20, h=20):
        document.text(20, 130, "Hidden by what it is drawn through.")
    with document.rect_clip(x=10, y=100, w=180, h=100):
        document.text(20, 135, "Seen through a shape.")
    document.text(20, 140, "Seen at the end.")
    return bytes(document.output())


def raw_pdf(content: bytes, *, pages: int = 1, box: str = "0 0 595 842", filters: str = "/FlateDecode") -> bytes:
    """Return a PDF whose pages all show one content stream, which is given compressed."""
    kids = " ".join(f"{4 + n} 0 R" for n in range(pages))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Count {pages}/Kids[{kids}]>>".encode(),
        f"<</Length {len(content)}/Filter[{filters}]>>stream\n".encode() + content + b"\nendstream",
    ]
    page = f"<</Type/Page/Parent 2 0 R/MediaBox[{box}]/Contents 3 0 R/Resources<<>>>>".encode()
    out, places = bytearray(b"%PDF-1.5\n"), []
    for number, body in enumerate([*objects, *([page] * pages)], start=1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(places) + 1, start)
    return bytes(out)


def flate_bomb(layers: int = 1, megabytes: int = 700) -> bytes:
    """Return a PDF whose content unpacks to `megabytes`, compressed `layers` times."""
    packer = zlib.compressobj(9)
    content = b"".join(packer.compress(b" " * 1024**2) for _ in range(megabytes)) + packer.flush()
    for _ in range(layers - 1):
        content = zlib.compress(content, 9)
    return raw_pdf(content, filters="/FlateDecode" * layers)


def docx(*paragraphs: str) -> bytes:
    """Return a Word document with these paragraphs."""
    document = python_docx.Document()
    for text in paragraphs:
        document.add_paragraph(text)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def raw_docx(body: str | bytes, *, doctype: str = "", extra: dict[str, bytes] | None = None) -> bytes:
    """Return a Word document with this XML as its body."""
    file = io.BytesIO()
    inner = body if isinstance(body, bytes) else body.encode()
    head = f'<?xml version="1.0"?>{doctype}<w:document {_WORD}><w:body>'.encode()
    parts: dict[str, str | bytes] = {"[Content_Types].xml": _TYPES, "_rels/.rels": _RELATIONS}
    parts |= {"word/document.xml": head + inner + b"</w:body></w:document>", **(extra or {})}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def docx_bomb(megabytes: int = 210) -> bytes:
    """Return a Word document whose text unpacks to `megabytes`."""
    return raw_docx(b"<w:p><w:r><w:t>" + b"a" * megabytes * 1024**2 + b"</w:t></w:r></w:p>")


def lol_docx() -> bytes:
    """Return a Word document with "billion laughs": entities that expand to far more than memory."""
    entities = '<!ENTITY a0 "lol">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 11))
    return raw_docx("<w:p><w:r><w:t>&a10;</w:t></w:r></w:p>", doctype=f"<!DOCTYPE lol [{entities}]>")


def xxe_docx(path: str) -> bytes:
    """Return a Word document that asks the parser to include a file of the server."""
    doctype = f'<!DOCTYPE x [<!ENTITY x SYSTEM "file://{path}">]>'
    return raw_docx("<w:p><w:r><w:t>Before &x; after</w:t></w:r></w:p>", doctype=doctype)


def archive(**content: bytes) -> bytes:
    """Return a ZIP archive; names are given with "__" for "/" and "_xml" for ".xml"."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in content.items():
            out.writestr(name.replace("__", "/").replace("_xml", ".xml"), data)
    return file.getvalue()


def nested_html(depth: int = 200_000) -> bytes:
    """Return a web page with `depth` nested elements."""
    return b"<html><body>" + b"<div>" * depth + b"The innermost text." + b"</div>" * depth + b"</body></html>"


def slides(*parts: tuple[str, str, str]) -> bytes:
    """Return a presentation of (title, text, notes) per slide."""
    import pptx

    show = pptx.Presentation()
    for title, text, notes in parts:
        slide = show.slides.add_slide(show.slide_layouts[1])
        slide.shapes.title.text, slide.placeholders[1].text = title, text
        slide.notes_slide.notes_text_frame.text = notes
    out = io.BytesIO()
    show.save(out)
    return out.getvalue()


def plain_picture(colour: str, *lines: str, size: tuple[int, int] = (400, 100)) -> io.BytesIO:
    """Return a PNG of one colour with these lines in black."""
    picture, file = Image.new("RGB", size, colour), io.BytesIO()
    for at, line in enumerate(lines):
        ImageDraw.Draw(picture).text((size[0] / 21, 50 + 40 * at), line, fill="black", font_size=24)
    picture.save(file, "PNG")
    file.seek(0)
    return file


def overdrawn_pdf(turn: int = 0) -> bytes:
    """Return a PDF with lines in front of and behind boxes and pictures; the page is rotated by `turn` degrees."""
    import pypdfium2

    document = FPDF()
    document.set_font("helvetica", size=12)
    document.add_page()
    with document.local_context(text_color=(255, 255, 255), fill_color=(255, 255, 255)):
        document.image(plain_picture("navy"), 15, 10, 100, 10)
        document.text(20, 16, "Seen on a dark picture.")
        document.image(plain_picture("white"), 15, 25, 100, 10)
        document.text(20, 31, "Hidden on a white picture.")
        document.rect(15, 40, 100, 10, style="F")
        document.text(20, 46, "Hidden on a white box.")
        document.set_fill_color(0, 0, 80)
        document.rect(15, 55, 100, 10, style="F")
        with document.local_context(text_color=(4, 4, 84)):
            document.text(20, 61, "Hidden in the colour of its box.")
    with document.local_context(text_mode="INVISIBLE", fill_color=(200, 220, 200)):
        document.rect(15, 70, 100, 10, style="F")
        document.text(20, 76, "Hidden without ink on a box.")
    document.text(20, 91, "Hidden below a box.")
    document.set_fill_color(255, 255, 255)
    document.rect(15, 85, 100, 10, style="F")
    document.text(20, 91, "Seen in its place.")
    document.text(20, 106, "Hidden below a picture.")
    document.image(plain_picture("teal"), 15, 100, 100, 10)
    document.text(20, 121, "Seen in a frame.")
    document.rect(15, 115, 100, 10)
    document.text(20, 136, "Seen through glass.")
    with document.local_context(fill_opacity=0.3):
        document.rect(15, 130, 100, 10, style="F")
    document.text(20, 151, "Seen at the end.")
    if not turn:
        return bytes(document.output())
    opened, file = pypdfium2.PdfDocument(bytes(document.output())), io.BytesIO()
    opened[0].set_rotation(turn)
    opened.save(file)
    return file.getvalue()


def layered_scan(picture: io.BytesIO, words: str, *, ink: bool) -> bytes:
    """Return a PDF with a picture of the whole page and searchable words: black below it, or without ink above it."""
    document = FPDF(unit="pt", format=(600, 800))
    document.set_font("helvetica", size=12)
    document.add_page()
    if ink:
        document.text(30, 60, words)
    document.image(picture, 0, 0, 600, 800)
    if not ink:
        with document.local_context(text_mode="INVISIBLE"):
            document.text(30, 60, words)
    return bytes(document.output())


def text_picture(*lines: str, turn: int = 0, form: str = "PNG") -> bytes:
    """Return a picture of these lines, turned by so many degrees counter-clockwise."""
    picture = Image.new("RGB", (900, 120 + 70 * len(lines)), "white")
    pen = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        pen.text((60, 50 + 70 * number), line, fill="black", font=PICTURE_FONT)
    file = io.BytesIO()
    picture.rotate(turn, expand=True).save(file, form)
    return file.getvalue()


def scan_pdf(*pictures: bytes) -> bytes:
    """Return a PDF with one picture a page, and no text but the page number."""
    document = FPDF()
    document.set_font("helvetica", size=10)
    for number, picture in enumerate(pictures, start=1):
        document.add_page()
        document.image(io.BytesIO(picture), 10, 20, 180)
        document.text(100, 280, str(number))
    return bytes(document.output())
