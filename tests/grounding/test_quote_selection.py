"""The sentences that answer a question are chosen, in order, without repetition, with true spans."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from uuid import uuid4

import pytest

from apps.engines import registry
from apps.engines.reader.fake import FakeReader
from apps.engines.reader.passage_reader import PackagedReader
from apps.engines.reader.protocol import PassageReading
from apps.grounding import quote_limits, quote_selection
from apps.grounding.answer_type import detect_answer_type
from apps.grounding.passage import Passage
from apps.grounding.quote_selection import QuoteSelection, select_quotes
from apps.lib.text.sentences import find_sentences
from tests.factories import make_passage

pytestmark = pytest.mark.usefixtures("packaged_reader")

LIBRARY = (
    "The harbour library opened in 1931. It was rebuilt after the flood of 1974 by Ines Calder. Members may borrow up "
    "to six books for four weeks. The reading room stands in Oldwick. It is closed because the roof leaks. "
    "Was it always so?"
)
PUMP = "To reset the pump, close the red valve. Then hold the grey button for twelve seconds. The lamp turns green."


@pytest.mark.parametrize(
    ("question", "start"),
    [
        ("When did the harbour library open?", "The harbour library opened"),
        ("Who rebuilt the library after the flood?", "It was rebuilt"),
        ("How many books may a member borrow?", "Members may borrow"),
        ("Where is the reading room?", "The reading room"),
        ("Why is the reading room closed?", "It is closed because"),
        ("How long must the grey button be held?", "Then hold"),
    ],
)
def test_the_sentence_that_answers_comes_first(question: str, start: str) -> None:
    chosen = select_quotes(question, {1: make_passage(LIBRARY), 2: make_passage(PUMP)}, {}, join=False)
    assert chosen[0].text.startswith(start)


BOILER = (
    "Error messages\n\nError E4 means that the water pressure is too low. Open the blue valve slowly until the gauge "
    "shows 1.5 bar, then close it and press Reset.\n\nError E7 means that the exhaust is blocked. Switch the boiler "
    "off at the red switch and call the service.\n\nAll errors are kept for a year. Nobody but the service deletes "
    "them."
)


@pytest.mark.parametrize(
    ("code", "first", "then"),
    [("E7", "Error E7", "Switch the boiler off"), ("E4", "Error E4", "Open the blue valve")],
)
def test_sentences_about_another_code_are_not_quoted(code: str, first: str, then: str) -> None:
    """Sentences that go on from one that names a code speak of it too, as far as its paragraph goes."""
    chosen = select_quotes(f"The boiler shows {code}, what should I do?", {1: make_passage(BOILER)}, {}, join=False)
    said = sorted(quote.text for quote in chosen)
    assert len(said) == 2 and said[0].startswith(first) and said[1].startswith(then)


def test_spans_point_into_the_page_and_texts_are_folded() -> None:
    text = "Members may\nborrow up to six  books. Others read here."
    chosen = select_quotes("How many books may members borrow?", {7: make_passage(text, start=100)}, {}, join=False)
    assert (chosen[0].source, chosen[0].start, chosen[0].end) == (
        7,
        100,
        100 + len("Members may\nborrow up to six  books."),
    )
    assert chosen[0].text == "Members may borrow up to six books."


def test_the_same_sentence_is_quoted_once_and_neighbours_stay_apart() -> None:
    again = LIBRARY.replace("Members may", "Members  may")
    chosen = select_quotes(
        "How many books may a member borrow?", {1: make_passage(LIBRARY), 2: make_passage(again)}, {}
    )
    assert len({quote.text for quote in chosen}) == len(chosen)
    neighbours = select_quotes("red valve grey button pump lamp", {1: make_passage(PUMP)}, {}, join=False)
    assert len(neighbours) > 1


def test_a_sentence_that_points_back_is_quoted_with_the_one_before_it() -> None:
    given = {3: make_passage(LIBRARY, start=40)}
    quote = select_quotes("Why is the reading room closed?", given, {})[0]
    assert "The reading room stands in Oldwick. It is closed because the roof leaks." in quote.text
    start = LIBRARY.index(quote.text)
    assert (quote.source, quote.start, quote.end) == (3, 40 + start, 40 + start + len(quote.text))
    alone = select_quotes("Why is the reading room closed?", given, {}, join=False)[0]
    assert alone.text == "It is closed because the roof leaks."


def test_joined_quotes_contain_no_sentence_twice() -> None:
    joined = 0
    for question in ("Why is the reading room closed?", "Who rebuilt the harbour library and when did it open?"):
        chosen = select_quotes(question, {1: make_passage(LIBRARY)}, {})
        places = sorted((quote.start, quote.end) for quote in chosen)
        assert all(before[1] <= after[0] for before, after in pairwise(places))
        joined += sum(len(find_sentences(quote.text)) > 1 for quote in chosen)
    assert joined


def test_neighbours_that_answer_equally_well_are_one_quote_of_two_sentences() -> None:
    text = (
        "The harbour crane lifts forty tons. The harbour crane lifts forty boats. The tower is red. Gulls sleep here."
    )
    quote = select_quotes("What does the harbour crane lift?", {1: make_passage(text)}, {})[0]
    assert quote.text.startswith("The harbour crane lifts forty tons. The harbour crane lifts forty boats.")


def test_a_term_stands_on_a_line_above_what_explains_it() -> None:
    text = "Terms of the port.\n\nBilge water\n\nBilge water is pumped out of the hull by each crew."
    quote = select_quotes("Who pumps out bilge water of the hull?", {1: make_passage(text)}, {}, join=False)[0]
    assert quote.text == "Bilge water is pumped out of the hull by each crew."
    quote = select_quotes(
        "Who pumps out bilge water of the hull?", {1: make_passage(text.replace("Bilge water is", "It is"))}, {}
    )[0]
    assert quote.text == "Bilge water\nIt is pumped out of the hull by each crew."
    start, end = quote.spans[0]
    assert text[start:end] == "Bilge water"


def test_quotes_too_long_together_are_not_joined() -> None:
    long = "The reading room of Oldwick " + "with its old oak shelves and lamps " * 12 + "stands open."
    assert len(long.split()) > 80
    text = f"{long} It is closed in the winter because the roof leaks on the chairs."
    quote = select_quotes("Why is the room closed in winter?", {1: make_passage(text)}, {})[0]
    assert quote.text == "It is closed in the winter because the roof leaks on the chairs."


def count_read(reader: PackagedReader, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of texts that are read from here on."""
    texts: list[str] = []

    class CountingReader(PackagedReader):
        def read(self, question: str, given: Sequence[str]) -> list[PassageReading]:
            texts.extend(given)
            return reader.read(question, given)

    monkeypatch.setattr(registry, "get_passage_reader", CountingReader)
    return texts


def test_passages_that_surely_answer_end_the_reading_before_the_model_is_asked(
    packaged_reader: PackagedReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = count_read(packaged_reader, monkeypatch)
    pumps = {n: make_passage(f"To reset pump {n} of hall {n}, close the red valve {n}.") for n in range(2, 8)}
    passages = {1: make_passage(LIBRARY)} | pumps
    selection = quote_selection.QuoteSelection("When did the harbour library open?", passages, {})
    assert selection.is_answered and len(texts) < len(passages)
    chosen = selection.select()
    assert chosen[0].text.startswith("The harbour library opened")
    assert len(texts) == len(set(texts)) == len(passages), "each passage is read once"
    assert selection.select() == chosen and len(texts) == len(passages)


def test_nearest_quotes_are_there_only_where_none_answers() -> None:
    passages = {1: make_passage(LIBRARY), 2: make_passage(PUMP)}
    answered = quote_selection.QuoteSelection("When did the harbour library open?", passages, {})
    assert answered.select() and not answered.select_nearest()
    unlike = quote_selection.QuoteSelection("Who won the bicycle race in Bergen?", passages, {})
    assert not unlike.select() and not unlike.select_nearest()


def test_quotes_are_the_same_whether_or_not_they_are_asked_for_in_two_steps() -> None:
    passages = {1: make_passage(LIBRARY), 2: make_passage(PUMP)}
    for question in ("When was it opened?", "How long must the grey button be held?", "Who won the bicycle race?"):
        selection = quote_selection.QuoteSelection(question, passages, {})
        answered = selection.is_answered
        assert selection.select() == select_quotes(question, passages, {})
        assert bool(selection.select()) == answered


def test_rare_words_weigh_more() -> None:
    text = "The annual report speaks of the year in general terms. The zeppelin flew over it."
    idf = {"annual": 0.2, "report": 0.2, "year": 0.2, "zeppelin": 6.0}
    chosen = select_quotes(
        "What does the annual report say of the zeppelin this year?", {1: make_passage(text)}, idf, join=False
    )
    assert chosen[0].text == "The zeppelin flew over it."


@pytest.mark.parametrize(("likely", "count"), [(0.3, quote_limits.MAX_QUOTES), (0.6, 3), (0.95, 1)])
def test_the_likelier_each_is_right_the_fewer_are_quoted(
    likely: float, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quote_selection, "_logistic", lambda odds: likely)
    many: dict[int, Passage] = {
        n: make_passage(f"Fact {n} about the harbour library and its books, told anew {uuid4()}.") for n in range(1, 9)
    }
    assert len(select_quotes("What about the harbour library and its books?", many, {})) == count


def test_quotes_are_empty_without_passages() -> None:
    assert select_quotes("Anything?", {}, {}) == []
    assert select_quotes("Anything?", {1: make_passage("...")}, {}) == []


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("When did it open?", "time"),
        ("In what year did it open?", "time"),
        ("How many books?", "amount"),
        ("What percentage of sales?", "amount"),
        ("Who rebuilt it?", "person"),
        ("Where is it?", "place"),
        ("Why is it closed?", "reason"),
        ("What is the tower called?", "name"),
        ("Um wie viele Tage lässt es sich verzögern?", "amount"),
        ("Wann wurde sie eröffnet?", "time"),
        ("¿Cuántos libros se prestan?", "amount"),
        ("¿En qué año abrió?", "time"),
        ("Does it rain?", ""),
    ],
)
def test_the_kind_of_answer_is_known_from_the_question(question: str, kind: str) -> None:
    assert detect_answer_type(question) == kind


def test_choosing_among_six_passages_is_quick_apart_from_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "get_passage_reader", FakeReader)
    passages = {
        n: make_passage(f"{LIBRARY} {PUMP} Number {n} of them stands here and says more. " * 2) for n in range(1, 7)
    }
    select_quotes("How many books may a member borrow?", passages, {})
    started = time.process_time()
    select_quotes("How many books may a member borrow now?", passages, {})
    assert time.process_time() - started < 0.2


def test_headings_are_no_part_of_a_quote_nor_the_bullet_of_a_single_item() -> None:
    text = "Resetting the pump\n· To reset the pump, close the red valve.\n· The lamp turns green then."
    page = replace(make_passage(text), heading="Manual › Resetting the pump")
    chosen = select_quotes("How is the pump reset?", {1: page}, {})
    assert chosen[0].text == "· To reset the pump, close the red valve.\n· The lamp turns green then."
    chosen = select_quotes("How is the pump reset?", {1: page}, {}, join=False)
    assert chosen[0].text == "To reset the pump, close the red valve."
    assert text[chosen[0].start : chosen[0].end] == chosen[0].text.replace(" ·", "\n·")
    assert all(quote.text != "Resetting the pump" for quote in chosen)


GERMAN = "Ein Sponsor ist eine Person, die den Betreuern hilft und die Pakete für sie in das Archiv hochlädt."
ENGLISH = "A sponsor is a person who helps the maintainers and uploads the packages to the archive for them."


@pytest.mark.parametrize(
    ("question", "first"), [("What is a sponsor?", ENGLISH), ("Was ist ein Sponsor und wer ist es?", GERMAN)]
)
def test_quotes_in_the_language_of_the_question_come_first(question: str, first: str) -> None:
    other = GERMAN if first == ENGLISH else ENGLISH
    chosen = select_quotes(question, {1: make_passage(other, relevance=0.9), 2: make_passage(first, relevance=0.8)}, {})
    assert [quote.text for quote in chosen] == [first, other]


def test_a_passage_that_names_the_subject_but_not_what_is_asked_brings_no_quote() -> None:
    rare = {"tall": 9.0, "patient": 7.0}
    form = {1: make_passage("The patient Ann Berg signed the form in the waiting room.", relevance=0.02)}
    assert select_quotes("How tall is the patient?", form, rare) == []
    assert select_quotes("Which patient signed the form?", {1: replace(form[1], relevance=0.5)}, {})


def test_list_items_in_a_quote_each_stand_on_their_own_line() -> None:
    text = "- A wash costs 1.80 euros, the dryer\n  1.20 euros for an hour.\n- The room is open from 7:00 to 21:00."
    chosen = select_quotes("What does a wash cost, and when is the room open?", {1: make_passage(text)}, {})
    lines = ["- A wash costs 1.80 euros, the dryer 1.20 euros for an hour.", "- The room is open from 7:00 to 21:00."]
    assert chosen[0].text == "\n".join(lines)


def test_a_list_is_quoted_with_the_sentence_that_introduces_it() -> None:
    text = (
        "Title II adds a section to create\nfour new limitations on liability for service providers.\nThe limitations "
        "are based on the following categories of conduct by a provider:\n1. Transitory communications;\n"
        "2. System caching;\n3. Storage of information;\nand\n4. Information location tools.\n"
        "New sections have rules for institutions."
    )
    chosen = select_quotes("What are the four limitations on liability?", {1: make_passage(text)}, {})
    assert "Transitory communications" in chosen[0].text
    assert "Information location tools" in chosen[0].text


def test_quote_does_not_end_with_an_introduction_of_an_unquotable_list() -> None:
    long = " ".join(["word"] * 100)
    text = f"The warranty ends after two years. It covers these parts:\n- pumps and {long}.\n- valves."
    chosen = select_quotes("When does the warranty end?", {1: make_passage(text)}, {}, 1)
    assert chosen[0].text == "The warranty ends after two years."


ERRORS = (
    "Error E4 means that the pressure is too low. Open the blue valve slowly until the gauge shows 1.5 bar.\n"
    "Error E7 means that the exhaust is blocked. Switch the boiler off at the red switch."
)


@pytest.mark.parametrize(
    ("question", "quotes"),
    [
        (
            "And if it shows E7?",
            ["Error E7 means that the exhaust is blocked. Switch the boiler off at the red switch."],
        ),
        ("What is meant by E4 and E7?", [ERRORS.partition("\n")[0], ERRORS.partition("\n")[2]]),
    ],
)
def test_quote_does_not_cross_from_one_code_to_another(question: str, quotes: list[str]) -> None:
    chosen = select_quotes(question, {1: make_passage(ERRORS)}, {})
    assert sorted(quote.text for quote in chosen) == sorted(quotes)


def test_a_sentence_that_points_back_to_a_quote_goes_on_with_it() -> None:
    text = (
        "The houses used 412 megawatt hours of heat, less than the year before. Two thirds came from the pumps of the "
        "roof. The solar roof produced 61,400 kilowatt hours of power. Of these 38,200 were used in the houses."
    )
    chosen = select_quotes("How much power of the solar roof did we use?", {1: make_passage(text)}, {}, 1)
    assert "Of these 38,200 were used" in chosen[0].text


def test_a_row_of_another_year_than_asked_gives_way() -> None:
    rows = "month: 2025-04; used in kWh: 4010\nmonth: 2026-05; used in kWh: 4380\nmonth: 2026-06; used in kWh: 4220"
    chosen = select_quotes("How many kWh were used in 2025?", {1: make_passage(rows)}, {})
    assert [quote.text for quote in chosen] == ["Handbook: month: 2025-04; used in kWh: 4010"]


def test_a_mark_that_says_something_stays_before_what_it_marks() -> None:
    form = "□ The tenant keeps a small dog.\n✓ The tenant keeps no dog at all.\n● The tenant keeps a bicycle."
    texts = [
        quote.text for quote in select_quotes("Does the tenant keep a dog?", {1: make_passage(form)}, {}, join=False)
    ]
    assert "□ The tenant keeps a small dog." in texts and "✓ The tenant keeps no dog at all." in texts
    assert not any("●" in text for text in texts), "a bullet says nothing"


def test_fields_of_a_form_come_in_the_order_in_which_each_answers_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read among others, a line is rated by what stands around it; only the order changes, no chance."""
    form = "Name: Ada Berg\nOdometer: 93,870\nEngine: 2.0 l\nColour: red"
    asked: list[list[str]] = []

    class Reader:
        def read(self, question: str, given: Sequence[str]) -> list[PassageReading]:
            asked.append(list(given))
            if len(given) == 1:  # the passage: all its lines alike, the first a little more
                ends = tuple(at for at in range(10, len(given[0]) + 10, 10))
                return [PassageReading(3.0, tuple(end - 10 for end in ends), ends, (0.9, *[0.6] * (len(ends) - 1)))]
            return [PassageReading(4.0 if "Engine" in text else -2.0, (0,), (len(text),), (0.5,)) for text in given]

    monkeypatch.setattr(registry, "get_passage_reader", Reader)
    selection = QuoteSelection("Which motor?", {1: make_passage(form, title="Car")}, {})
    before = sorted(option.chance for option in selection.read_all())
    first = selection.select(must_answer=False)[0]
    assert first.text.endswith("Engine: 2.0 l") and first.score == round(before[-1], 4)
    assert sorted(option.chance for option in selection.read_all()) == before
    selection.select(must_answer=False)
    assert [len(given) for given in asked] == [1, 4] and all(text.startswith("Car\n") for text in asked[1])
