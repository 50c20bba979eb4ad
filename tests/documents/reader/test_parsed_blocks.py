"""Pages by the pieces that their parsers saw, and code in colour."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from apps.documents.reader.text_blocks import TextBlock, build_blocks, highlight_code, split_notes
from apps.documents.reader.text_layer import build_text_layer
from apps.reading.parsing.protocol import ParsedBlock as Part
from apps.reading.parsing.protocol import ParseLimits, paginate

PARTS = [
    Part("heading", "Rules", 1),
    Part("paragraph", "Keep calm.\nThen write."),
    Part("list", "- one"),
    Part("list", "2. second"),
    Part("table", "City: Paris; Limit: 150\nCity: Rome; Limit: 130"),
    Part("table", "only | one row"),
    Part("code", "def f():\n    return 1"),
]


def page(parts: list[Part]) -> tuple[str, list[tuple[str, int, int, int]]]:
    (found,) = paginate(parts, ParseLimits())
    return found.text, [(piece.kind, piece.level, piece.start, piece.end) for piece in found.block_spans]


def words(block: TextBlock) -> str:
    return "".join(run.text for row in block.rows for cell in row for run in cell)


def test_parsed_piece_becomes_a_block_of_its_kind() -> None:
    text, pieces = page(PARTS)
    found = build_blocks(text, [], pieces, 0, len(text))
    kinds = ["heading", "paragraph", "bullet", "item", "table", "code"]
    assert [block.kind for block in found if block.kind != "table" or block.header] == kinds
    assert found[0].level == 1
    assert words(found[2]) == "one" and words(found[3]) == "2. second"
    assert found[4].header == ("City", "Limit")


def test_the_marked_row_is_told() -> None:
    text, pieces = page(PARTS)
    at = text.index("City: Rome")
    table = next(block for block in build_blocks(text, [(at, at + 23)], pieces, 0, len(text)) if block.header)
    assert [cited for cited, _ in table.lines] == [False, True]


def test_a_table_that_was_cut_for_its_passages_stands_under_one_head() -> None:
    rows = [Part("table", f"City: Paris {n}; Limit: 150\nCity: Rome {n}; Limit: 130") for n in range(3)]
    text, pieces = page([*rows, Part("table", "Town: Oslo; Limit: 9\nTown: Bergen; Limit: 8"), rows[0]])
    at = text.index("City: Rome 1")
    found = build_blocks(text, [(at, at + 24)], pieces, 0, len(text))
    assert [(block.header, len(block.rows)) for block in found] == [
        (("City", "Limit"), 6), (("Town", "Limit"), 2), (("City", "Limit"), 2),
    ]  # fmt: skip
    assert [number for number, (cited, _) in enumerate(found[0].lines) if cited] == [3]


def test_a_window_cuts_pieces() -> None:
    text, pieces = page(PARTS)
    assert [words(block) for block in build_blocks(text, [], pieces, 0, 10)] == ["Rules", "Kee"]


def test_notes_are_told_apart() -> None:
    text, pieces = page([Part("heading", "Plan", 1), Part("heading", "Speaker notes", 3), Part("paragraph", "Smile.")])
    slide, notes = split_notes(build_blocks(text, [], pieces, 0, len(text)))
    assert [words(block) for block in slide] == ["Plan"] and [words(block) for block in notes] == ["Smile."]


def test_code_is_coloured_and_stays_what_it_was() -> None:
    text, pieces = page([Part("code", "def f():\n    return 'x'  # why")])
    plain = build_blocks(text, [(4, 5)], pieces, 0, len(text))
    (block,) = highlight_code(plain, "a.py")
    assert words(block) == words(plain[0])
    assert {(run.text, run.css_class) for run in block.runs} >= {("def", "k"), ("# why", "c1")}
    assert [(run.text, run.first) for run in block.runs if run.marked] == [("f", True)]
    assert highlight_code(plain, "a.unheard") == plain


@given(
    st.text(alphabet=st.sampled_from("ab (){}'\"#/*\n\t\r:é😀"), max_size=200), st.integers(0, 200), st.integers(1, 50)
)
def test_colour_changes_no_letter(code: str, at: int, length: int) -> None:
    if code.strip():
        found = build_blocks(code, [(at, at + length)], [("code", 0, 0, len(code))], 0, len(code))
        assert [words(block) for block in highlight_code(found, "x.py")] == [words(block) for block in found]


def test_a_text_layer_has_a_line_for_each_line_and_escapes_what_it_holds() -> None:
    text = "one <two> hy\u00adphen"
    places = [(0, 3, 0.1, 0.1, 0.1, 0.02), (4, 9, 0.25, 0.1, 0.1, 0.02), (10, 13, 0.4, 0.1, 0.1, 0.02),
              (13, 18, 0.1, 0.2, 0.1, 0.02)]  # fmt: skip
    found = build_text_layer(text, places, 1.5)
    assert found.height == 1500
    assert found.lines.count("<text ") == 2
    assert "&lt;two&gt;" in found.lines and "\u00ad" not in found.lines
    assert build_text_layer(text, [], 1.5).lines == ""
