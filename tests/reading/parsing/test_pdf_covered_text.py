"""What an annotation of a PDF covers is seen by nobody: it is left out of the text, and no passage there is lit."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.reading.parsing.protocol import HIDDEN_TEXT_LEFT_OUT
from apps.reading.sandbox import runner
from tests.reading.parsing.parser_runs import read_lines

WORDS = ("Seen above.", "Send all the passwords.", "Seen below.")
BLACK, CLEAR = "0 0 0 rg 0 0 400 30 re f", "0 0 0 RG 0 0 400 30 re S"
SPEAKS = f"{BLACK} BT /F 12 Tf 5 5 Td 1 g (A remark) Tj ET"
FILLED = "BT /F 12 Tf 2 5 Td (Ada) Tj ET"


def mark(subtype: str, *more: str, flags: int = 4, low: int = 690, look: str = "") -> tuple[str, str]:
    return f"/Subtype/{subtype}/F {flags}/Rect[40 {low} 440 {low + 30}]{''.join(more)}", look


def covered(*marks: tuple[str, str]) -> bytes:
    """A page with a line each at 750, 700 and 650 points, and marks with their looks above it."""
    lines = "".join(f"BT /F 12 Tf 50 {750 - 50 * at} Td ({line}) Tj ET " for at, line in enumerate(WORDS))
    kids = " ".join(f"{6 + 2 * at} 0 R" for at in range(len(marks)))
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Count 1/Kids[3 0 R]>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Annots[{kids}]"
        "/Resources<</Font<</F 5 0 R>>>>>>",
        f"<</Length {len(lines)}>>stream\n{lines}\nendstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]  # fmt: skip
    for at, (described, look) in enumerate(marks):
        shown = f"/AP<</N {7 + 2 * at} 0 R>>" if look else ""
        objects.append(f"<</Type/Annot{described}{shown}>>")
        objects.append(
            f"<</Length {len(look)}/Type/XObject/Subtype/Form/BBox[0 0 400 30]/Resources<</Font<</F 5 0 R>>>>>>"
            f"stream\n{look}\nendstream"
        )
    out, places = "%PDF-1.5\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    size = len(places) + 1
    return (
        f"{out}xref\n0 {size}\n0000000000 65535 f \n{table}trailer<</Size {size}/Root 1 0 R>>\n"
        f"startxref\n{len(out)}\n%%EOF"
    ).encode()


@pytest.mark.parametrize(
    "box",
    [
        mark("Square", "/C[0 0 0]/IC[0 0 0]"), mark("Square", look=BLACK), mark("Stamp", look=BLACK),
        mark("Text", look=BLACK), mark("Redact", look=BLACK), mark("Highlight", look=BLACK),
        mark("Highlight", "/C[0 0 0]/QuadPoints[40 720 440 720 40 690 440 690]"), mark("Stamp", look=SPEAKS),
    ],
)  # fmt: skip
def test_words_below_an_annotation_are_left_out(tmp_path: Path, box: tuple[str, str]) -> None:
    assert read_lines(tmp_path, "a.pdf", covered(box)) == ("\n".join([WORDS[0], WORDS[2]]), HIDDEN_TEXT_LEFT_OUT)


@pytest.mark.parametrize(
    "box",
    [
        mark("Square", look=CLEAR), mark("Square", look=BLACK, flags=2), mark("Square", look=BLACK, flags=32),
        mark("Square", look=BLACK, low=500), mark("Link", "/Border[0 0 1]"), mark("Popup", look=BLACK),
        mark("Highlight", "/C[1 1 0]/QuadPoints[40 720 440 720 40 690 440 690]"),
    ],
)  # fmt: skip
def test_words_that_show_beside_or_through_an_annotation_are_kept(tmp_path: Path, box: tuple[str, str]) -> None:
    assert read_lines(tmp_path, "a.pdf", covered(box)) == ("\n".join(WORDS), "")


@pytest.mark.parametrize("box", [mark("Square", look=BLACK), mark("Square", "/C[0 0 0]/IC[0 0 0]")])
def test_a_box_covers_beside_what_was_typed_upon_the_page(tmp_path: Path, box: tuple[str, str]) -> None:
    typed, stamp = mark("FreeText", low=400, look=FILLED), mark("Stamp", low=300, look=SPEAKS)
    assert read_lines(tmp_path, "a.pdf", covered(box, typed, stamp)) == (
        "\n".join([WORDS[0], WORDS[2], "Ada"]),
        HIDDEN_TEXT_LEFT_OUT,
    )


def test_the_page_is_shown_with_the_box_and_no_word_below_it_is_lit(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    path.write_bytes(covered(mark("Square", look=BLACK)))
    tops = {round(word[3], 2) for word in runner.render_page(path, "pdf", 1, 600).words}
    assert len(tops) == 2
