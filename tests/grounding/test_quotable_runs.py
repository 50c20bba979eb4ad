"""What of a passage may be quoted: rows, items with their introduction, definitions with their term; no contents."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apps.grounding.passage import join_spans
from apps.grounding.quotable_runs import lay_out_row, split_runs
from apps.grounding.quote_selection import read_spans, select_quotes
from apps.lib.text.table_rows import parse_row, split_sentences_and_rows
from tests.factories import make_passage

pytestmark = pytest.mark.usefixtures("packaged_reader")

CUPS = "Team: Blues; Location: STL; Stanley Cups: 1\nTeam: Maple Leafs; Location: TOR; Stanley Cups: %d"
SIGNALS = (
    "If this is set, an error is printed when the shift count is too large.\nsourcepath\nThe source builtin uses the "
    "search path to find the file.\ntimes\ntimes\nPrint out the user and system times of the shell and its children."
)


def runs(text: str, heading: str = "") -> list[tuple[str, str, str]]:
    return [(run.kind, text[run.start : run.end], run.lead_text) for run in split_runs(text, heading)]


def test_table_rows_are_each_a_run() -> None:
    text = f"The cups are these.\n\n{CUPS % 13}"
    assert [kind for kind, _, _ in runs(text)] == ["sentence", "row", "row"]


def test_the_names_of_columns_are_no_run_of_their_own() -> None:
    text = "Month | Shows | Gross\nMonth: May; Shows: 48; Gross: 12\nMonth: June; Shows: 40; Gross: 9"
    assert [said for _, said, _ in runs(text)] == text.splitlines()[1:]
    assert [said for _, said, _ in runs("Month | Shows\nMay | 48")] == ["Month | Shows", "May | 48"]


@pytest.mark.parametrize(
    "heading", ["Duck › See also", "Ente › Weblinks", "7. Further reading", "Pato › Véase también"]
)
def test_lists_of_other_texts_are_not_quoted(heading: str) -> None:
    assert runs("- Domestic duck\n- Duck breeds\n- Ducks in fiction and in the cinema", heading) == []


def test_a_quoted_row_names_its_sheet_and_marks_the_cell_that_is_asked_for() -> None:
    """Two sheets hold the same teams; without its name the row of one answers the question about the other."""
    sheets = {
        1: replace(make_passage(CUPS % 13, title="Hockey"), heading="Stanley Cups"),
        2: replace(make_passage(CUPS % 0, title="Hockey"), heading="Stanley Cups Since 67"),
    }
    quote = select_quotes("How many Stanley Cups did the Maple Leafs win since 67?", sheets, {})[0]
    assert quote.source == 2 and quote.text == (
        "Stanley Cups Since 67: Team: Maple Leafs; Location: TOR; Stanley Cups: 0"
    )
    assert quote.table is not None and quote.table.cells[quote.table.asked_cell].text == "0"


def test_a_stored_row_is_laid_out_as_when_it_was_chosen() -> None:
    text = "Part: valve; Price: 12; Stock: 3\nPart: handle; Price: 45; Stock: 9"
    quote = select_quotes("What is the price of the handle in the parts?", {1: make_passage(text, title="Parts")}, {})[
        0
    ]
    kept = quote.record()
    again = join_spans(text, [(start, end) for start, end in read_spans(kept)])
    assert lay_out_row(again, "", "Parts", kept["cell"]) == quote.table
    assert quote.table is not None and [cell.name for cell in quote.table.cells] == ["Part", "Price", "Stock"]
    assert quote.table.cells[quote.table.asked_cell].text == "45"


def test_asked_cell_is_the_column_named_in_another_form_of_the_word() -> None:
    row = "Instalación: Con escritorio; RAM (mínimo): 1GB; RAM (recomendado): 2GB"
    sheet = {1: replace(make_passage(row, title="Guía"), heading="Requisitos de instalación")}
    quote = select_quotes("¿Cuánta RAM se recomienda en una instalación con escritorio?", sheet, {})[0]
    assert quote.table is not None and quote.table.cells[quote.table.asked_cell].text == "2GB"
    quote = select_quotes("¿Cuánta RAM tiene una instalación con escritorio?", sheet, {})[0]
    assert quote.table is not None and quote.table.asked_cell == -1


def test_cells_without_header_are_quoted_as_they_stand() -> None:
    text = "i | - | the package is installed.\nv | - | the package is virtual."
    quote = select_quotes("What does a virtual package look like?", {1: make_passage(text, title="Marks")}, {})[0]
    assert (
        quote.text == "Marks: v; -; the package is virtual."
        and quote.table is not None
        and not quote.table.has_column_names
    )


def test_a_row_of_a_form_has_the_labels_before_its_cells_as_names() -> None:
    row = lay_out_row("Insured name: | Gabriel Diaz | Year: | 2022", "", "Repair", 1)
    assert row.text == "Repair: Insured name: Gabriel Diaz; Year: 2022" and row.cells[row.asked_cell].text == "2022"
    assert lay_out_row("Insured name: | Gabriel Diaz | 2022", "", "", -1).text == "Insured name:; Gabriel Diaz; 2022"


@pytest.mark.parametrize("caption", ["Figure 3.1 The pump", "Abb. 4 Aufbau der Pumpe", "Tabla 2 Bombas del puerto"])
def test_a_caption_is_no_term_of_the_text_below_it(caption: str) -> None:
    text = f"The pump stands on the quay.\n\n{caption}\n\nIt moves nine litres a minute."
    assert runs(text)[-1] == ("sentence", "It moves nine litres a minute.", "")


def test_the_title_of_an_item_is_a_term_that_reaches_beyond_the_list_below_it() -> None:
    text = (
        "The length can be lowered.\n- Maximum Number Of Columns\nThe setting MAX_COLUMN is an upper bound on:\n"
        "- The number of columns in a table\n- The number of columns in an index\n"
        "The default of MAX_COLUMN is 2000, which few reach. Few people ever need more than that.\n"
        "- Ports of\nthe north are open."
    )
    found = {said: told for kind, said, told in runs(text)}
    assert found["The default of MAX_COLUMN is 2000, which few reach."] == "Maximum Number Of Columns"
    assert found["The setting MAX_COLUMN is an upper bound on:"] == "Maximum Number Of Columns"
    assert "Ports of\nthe north are open." in found


def test_a_definition_comes_with_its_term() -> None:
    found = runs(SIGNALS)
    assert ("sentence", "The source builtin uses the search path to find the file.", "sourcepath") in found
    assert found[-1][2] == "times"
    quote = select_quotes("What does sourcepath do for the source builtin?", {1: make_passage(SIGNALS)}, {})[0]
    assert "sourcepath\nThe source builtin uses the search path" in quote.text


def test_an_item_comes_with_the_line_that_introduces_its_list() -> None:
    text = "To reset the pump:\n1. Close the red valve.\n2. Hold the grey button for twelve seconds."
    assert [told for _, _, told in runs(text)] == ["", "To reset the pump:", "To reset the pump:"]
    quote = select_quotes("How long is the grey button held to reset the pump?", {1: make_passage(text)}, {})[0]
    assert quote.text.startswith("To reset the pump:") and "twelve seconds" in quote.text


def test_a_short_list_is_quoted_whole() -> None:
    text = "A restricted shell forbids things:\n\n- Changing directories\n- Setting PATH\n- Using exec\n\nThe end."
    quote = select_quotes("What things does a restricted shell forbid?", {1: make_passage(text)}, {})[0]
    assert "restricted shell forbids" in quote.text and quote.text.endswith("Using exec")


def test_an_introduction_far_away_is_quoted_without_what_lies_between() -> None:
    items = "\n".join(
        f"{number}. Turn the wheel number {number} round to its mark and wait." for number in range(1, 20)
    )
    text = f"To open the lock:\n{items}\n20. Blow the brass horn twice."
    quote = select_quotes("When is the brass horn blown to open the lock?", {1: make_passage(text)}, {})[0]
    assert quote.spans and quote.text.startswith("To open the lock: … ") and "brass horn" in quote.text
    assert len(quote.text.split()) < 90


def test_lines_of_contents_and_running_heads_are_not_quoted() -> None:
    text = "Chapter 4: The pump 54\nThe pump is reset by its grey button.\n4.1 Pump reset . . . . . . . . . 55"
    found = [text[run.start : run.end] for run in split_runs(text, page_begins=True)]
    assert found == ["The pump is reset by its grey button."]


@pytest.mark.parametrize("reference", ["(Section 2.1)", "(See also Table 3)", "(§ 312g BGB)", "(Tab. 4)"])
def test_a_quote_does_not_begin_with_a_reference_of_the_sentence_before(reference: str) -> None:
    found = [said for _, said, _ in runs(f"Prime the pump before use. {reference} The valve stays closed.")]
    assert found == ["Prime the pump before use.", "The valve stays closed."]
    assert runs("It works. (Verona is far away.) It stands.")[1][1] == "(Verona is far away.)"


def test_a_heading_is_not_quoted_without_the_number_that_is_cut_off_it() -> None:
    text = "12.7. Release notes\n\nPackages must contain a copy of the changelog."
    found = [said for _, said, _ in runs(text, "12. Documentation › 12.7. Release notes")]
    assert found[-1] == "Packages must contain a copy of the changelog."
    assert not any("Release notes" in said for said in found)


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ("Team: Blues; Cups: 1", [("Team", "Blues"), ("Cups", "1")]),
        ("a | b | c", [("", "a"), ("", "b"), ("", "c")]),
        ("Name: A; B; Note: x", [("Name", "A; B"), ("Note", "x")]),
        ("The valve is red: it is hot.", []),
        ("Nothing to see here.", []),
    ],
)
def test_cells_are_read(line: str, cells: list[tuple[str, str]]) -> None:
    assert [(cell.name, cell.text) for cell in parse_row(line)] == cells


def test_prose_with_colons_is_no_table() -> None:
    text = "Note: the valve is hot; Warning: keep away.\nThe lamp turns green."
    assert [kind for kind, _, _ in runs(text)] == ["sentence", "sentence"]


def test_rows_are_cut_apart_for_the_prompt() -> None:
    text = f"These are the cups.\n\n{CUPS % 13}"
    assert [text[start:end].split(";")[0] for start, end in split_sentences_and_rows(text)] == [
        "These are the cups.", "Team: Blues", "Team: Maple Leafs",
    ]  # fmt: skip


CARS = "Vehicle: Astra | Plate: KX 21\nKeeper: A. Pike | Odometer: 61,204 miles\nItem | Finding\nTotal to pay | 183.60"


def test_each_field_of_a_form_is_quoted_with_the_first_one_of_its_record() -> None:
    text = f"{CARS}\nVehicle: Corsa | Plate: LB 68\nKeeper: B. Lund | Odometer: 93,870 miles"
    # A passage that begins in the middle of a page may begin in the middle of a record.
    assert {lead for kind, _, lead in runs(text) if kind == "field"} == {""}
    leads = {text[run.start : run.end]: run.lead_text for run in split_runs(text, page_begins=True)}
    assert (
        leads["Keeper: A. Pike"]
        == leads["Odometer: 61,204 miles"]
        == leads["Total to pay | 183.60"]
        == "Vehicle: Astra"
    )
    assert leads["Odometer: 93,870 miles"] == "Vehicle: Corsa" and leads["Vehicle: Corsa"] == ""


def test_a_quoted_field_is_marked_and_laid_out_again_as_when_it_was_chosen() -> None:
    pages = {1: make_passage(CARS, title="Inspections")}
    quote = select_quotes("What does the odometer of the Astra say?", pages, {}, must_answer=False)[0]
    assert quote.text == "Inspections: Vehicle: Astra; Odometer: 61,204 miles"
    assert quote.table is not None and quote.table.cells[quote.table.asked_cell].text == "61,204 miles"
    kept = quote.record()
    again = join_spans(CARS, [(start, end) for start, end in read_spans(kept)], lines=True)
    assert lay_out_row(again, "", "Inspections", kept["cell"]) == quote.table


def test_lines_of_one_field_each_are_a_form_and_prose_with_a_colon_is_none() -> None:
    assert [kind for kind, _, _ in runs("Date: Tuesday 8 April\n\nPlace: Scout hut\n\nApologies: M. Brandt")] == [
        "field"
    ] * 3
    prose = "Mind this: the hut is cold.\nBring a coat: it is windy there, and the door is open."
    assert "field" not in [kind for kind, _, _ in runs(prose)]
    assert [
        kind for kind, _, _ in runs("Minutes: the committee\nDate: 8 April\nPlace: hut", "Minutes: the committee")
    ] == (["field"] * 2)


def test_rows_of_a_page_without_headings_are_called_after_its_first_line() -> None:
    text = "HARBOUR MARKET\nQuay 12\n\nRye bread | 3.45\nBalance due | 20.73"
    quote = select_quotes(
        "What is the balance due at the harbour market?", {1: make_passage(text)}, {}, must_answer=False
    )[0]
    assert quote.text == "HARBOUR MARKET: Balance due: 20.73"


def test_items_that_are_no_sentences_come_with_the_heading_of_their_list() -> None:
    text = "OK\n\n- Basin has soap\n- Boards are clean\n\nNot OK\n\n- Fridge shows 9 °C\n- Mop in the kitchen"
    found = {said: lead for _, said, lead in runs(text, "Audit › OK")}
    assert found["Basin has soap"] == "OK"
    quote = select_quotes(
        "What is not OK with the fridge?", {1: replace(make_passage(text), heading="Not OK")}, {}, must_answer=False
    )
    assert quote[0].text == "Not OK\n- Fridge shows 9 °C\n- Mop in the kitchen"
