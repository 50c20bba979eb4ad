"""What was filled into a form, or typed upon a page, is read beside its label and lit; remarks are no text."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from apps.documents.reader.word_boxes import find_highlight_boxes
from apps.reading.sandbox import runner

LOOK = (
    "<</Length {size}/Type/XObject/Subtype/Form/BBox[0 0 200 20]/Resources<</Font<</F 5 0 R>>>>>>stream\n"
    "{ink}\nendstream"
)


def drawn(words: str) -> bytes:
    ink = f"BT /F 12 Tf 2 5 Td ({words}) Tj ET"
    return LOOK.format(size=len(ink), ink=ink).encode()


def form() -> bytes:
    """A page with two labels, a field after each, something typed upon it, a hidden field and a remark."""
    page = "BT /F 12 Tf 50 700 Td (Name) Tj 0 -50 Td (Town) Tj ET"
    fields = [("Tx", "Widget", 698, 4, "Ada Lovelace"), ("Tx", "Widget", 648, 4, "London"),
              ("", "FreeText", 500, 4, "Typed upon it"), ("Tx", "Widget", 450, 2, "Hidden field"),
              ("", "Stamp", 400, 4, "A remark")]  # fmt: skip
    kids = " ".join(f"{6 + 2 * at} 0 R" for at in range(len(fields)))
    objects = [
        f"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[{kids}]>>>>".encode(),
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Annots[{kids}]"
        "/Resources<</Font<</F 5 0 R>>>>>>".encode(),
        f"<</Length {len(page)}>>stream\n{page}\nendstream".encode(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for at, (kind, subtype, low, flags, words) in enumerate(fields):
        named = f"/FT/{kind}/T(field{at})/V({words})" if kind else f"/Contents({words})"
        look = f"/AP<</N {7 + 2 * at} 0 R>>"
        place = f"/Rect[120 {low} 320 {low + 20}]/F {flags}"
        objects += [f"<</Type/Annot/Subtype/{subtype}{named}{look}{place}>>".encode(), drawn(words)]
    out, places = bytearray(b"%PDF-1.5\n"), []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(out + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(places) + 1, start))


def test_a_field_is_read_beside_its_label_and_lit_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    path.write_bytes(form())
    options = {"kind": "pdf", "pages": 100, "characters": 10**6}
    (page,) = (a for a in runner.run_task("parse", path, options, seconds=20, memory_bytes=1024**3) if "page" in a)
    assert page["text"].split() == ["Name", "Ada", "Lovelace", "Town", "London", "Typed", "upon", "it"]
    shown = runner.render_page(path, "pdf", 1, 800)
    at = page["text"].index("Ada Lovelace")
    ((left, top, width, height),) = find_highlight_boxes(shown.words, [(at, at + len("Ada Lovelace"))])
    assert abs(left - 122 / 595) < 0.01 and abs(top + height - (842 - 700) / 842) < 0.02
    image = Image.open(io.BytesIO(shown.png)).convert("L")
    box = (left * 800, top * shown.height, (left + width) * 800, (top + height) * shown.height)
    assert image.crop(tuple(map(int, box))).getextrema()[0] < 100  # and it is shown
