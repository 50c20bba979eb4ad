"""The figures of the trial count what the user was shown, and only what a reader or the page has judged."""

from __future__ import annotations

from typing import Any

import pytest

from apps.conversations.rendering.answer_renderer import render_answer
from apps.grounding.citer import SentenceCitation
from benchmarks.trust.trial_asking import ShownAnswer, ShownSentence, read_quotes, read_sentences, take_event
from benchmarks.trust.trial_figures import compute_figures, judge_results, list_unjudged
from benchmarks.trust.trial_questions import Question, hash_sentence
from benchmarks.trust.trial_report import write_report

ROOTS = {"report": "r2", "tune": "a"}  # names whose hash puts them there
HTML = (
    '<p><span class="sentence" data-sentence="0">Seven <b>days</b>.</span>'
    '<span class="pills" data-sentence="0"><a class="pill" href="#">1</a></span> '
    '<span class="sentence unsupported" data-sentence="1">Or eight.</span></p>'
    '<details><summary>1 more</summary><p><span class="sentence" data-sentence="2">Or nine.</span></p></details>'
)


def question(name: str, half: str = "report", **also: Any) -> Question:
    fields: dict[str, Any] = {"kind": "fact", "answers": ("seven",), "document": "a.pdf", **also}
    asked = Question(name, "en", question=f"{name}?", root=ROOTS[half], **fields)
    assert asked.half == half
    return asked


def shown(name: str, *sentences: ShownSentence, quotes: tuple[str, ...] = (), **also: Any) -> ShownAnswer:
    return ShownAnswer(name, answer=f"answer of {name}", quotes=list(quotes), sentences=list(sentences), **also)


def sentence(text: str, *, pill: bool = True, folded: bool = False) -> ShownSentence:
    return ShownSentence(0, text, "supported" if pill else "unverified", folded)


def figures(*pairs: tuple[Question, ShownAnswer], rests: Any = None, judgements: Any = None) -> dict[str, float]:
    questions, seen = zip(*pairs, strict=True)
    return compute_figures(judge_results(questions, seen, rests or {}, judgements or {}))


def test_quotes_hold_where_any_quote_holds_the_answer() -> None:
    found = figures(
        (question("a"), shown("a", quotes=("Six.", "It takes seven days."))),
        (question("b"), shown("b", quotes=("Six.",))),
        (question("c"), shown("c")),
        (question("d", absent=True), shown("d", quotes=("seven",))),
    )
    assert (found["trial.quotes_hold"], found["trial.quotes_hold.count"]) == (pytest.approx(1 / 3), 3)
    assert found["trial.answerable_quoted"] == pytest.approx(2 / 3)


def test_quotes_hold_an_answer_together_where_they_stand_in_its_order() -> None:
    asked = question("a", answers=("the author made it, and the maintainer keeps it",))
    parts = "The author made it,", "and the maintainer keeps it."
    assert figures((asked, shown("a", quotes=parts)))["trial.quotes_hold"] == 1.0
    assert figures((asked, shown("a", quotes=parts[::-1])))["trial.quotes_hold"] == 0.0


def test_the_halves_are_counted_apart() -> None:
    found = figures(
        (question("a"), shown("a", quotes=("seven",))),
        (question("b", "tune"), shown("b", quotes=("six",))),
    )
    assert (found["trial.quotes_hold"], found["trial.tune.quotes_hold"]) == (1.0, 0.0)


def test_the_page_is_silent_only_without_quote_and_pill() -> None:
    found = figures(
        (question("a", absent=True), shown("a", nothing=True)),
        (question("b", absent=True), shown("b", sentence("I do not know.", pill=False))),
        (question("c", absent=True), shown("c", sentence("Seven."))),
        (question("d", absent=True), shown("d", quotes=("Six.",))),
    )
    assert (found["trial.absent_said"], found["trial.absent_said.count"]) == (0.5, 4)


def test_wrong_sentences_are_counted_among_the_judged_and_the_others_as_unjudged() -> None:
    wrong, right, beside = sentence("Eight."), sentence("It is seven."), sentence("Days are short.")
    verdicts = {
        ("a", hash_sentence("eight.")): "wrong",
        ("a", hash_sentence("It  is seven.")): "right",
        ("a", hash_sentence("Days are short.")): "beside",
    }
    found = figures((question("a"), shown("a", wrong, right, beside, sentence("Nine."))), judgements=verdicts)
    assert found["trial.wrong_with_pill"] == pytest.approx(1 / 3)
    assert found["trial.beside_with_pill"] == pytest.approx(1 / 3)
    assert (found["trial.shown_wrong.count"], found["trial.unjudged"]) == (3, 1)


def test_a_folded_sentence_is_not_shown_but_its_pill_counts() -> None:
    verdicts = {("a", hash_sentence("Eight.")): "wrong", ("a", hash_sentence("Seven.")): "right"}
    seen = shown("a", sentence("Eight.", folded=True), sentence("Seven.", pill=False))
    found = figures((question("a"), seen), judgements=verdicts)
    assert (found["trial.wrong_with_pill"], found["trial.shown_wrong"]) == (1.0, 0.0)


@pytest.mark.parametrize(("page", "judged"), [("… it takes seven\ndays …", 1), ("it takes six days", 0)])
def test_words_of_the_cited_page_that_hold_the_answer_need_no_reader(page: str, judged: int) -> None:
    rests = {"answer of a": {"cites": {"0": [{"text": page, "support": page, "document": "a.pdf", "page": 1}]}}}
    found = figures((question("a"), shown("a", sentence("It takes seven days [1]"))), rests=rests)
    assert found.get("trial.wrong_with_pill.count", 0) == judged
    assert found["trial.unjudged"] == 1 - judged


def test_a_sum_is_understood_where_its_result_is_shown_without_a_quote() -> None:
    asked = question("a", kind="talk", answers=(r"\b391\b",), document="")
    assert figures((asked, shown("a", words="17 × 23 = 391")))["trial.talk_understood"] == 1.0
    assert figures((asked, shown("a", words="It is 317.")))["trial.talk_understood"] == 0.0
    assert figures((asked, shown("a", words="It is 391.", quotes=("391",))))["trial.talk_understood"] == 0.0


def test_seconds_are_the_median_of_what_was_quoted() -> None:
    pairs = [(question(str(s)), shown(str(s), quotes_s=s)) for s in (0.2, 0.4, 3.0)]
    assert figures(*pairs, (question("never"), shown("never")))["trial.quotes_s_p50"] == 0.4


def test_the_page_is_read_as_the_user_sees_it() -> None:
    found, words = read_sentences(HTML)
    assert [(item.text, item.state, item.folded) for item in found] == [
        ("Seven days.", "supported", False),
        ("Or eight.", "unverified", False),
        ("Or nine.", "", True),
    ]
    assert words == "Seven days. Or eight."
    quotes = '<section><blockquote><p>Seven\n days<span class="pills">1</span></p></blockquote></section>'
    assert read_quotes(quotes) == ["Seven days"]
    table = "<table><tr><th>Team</th><th>Cups</th></tr><tr><td>Maple Leafs</td><td><mark>13</mark></td></tr></table>"
    assert read_quotes(f"<blockquote>{table}</blockquote>") == ["Team Cups Maple Leafs 13"]


def test_the_first_quotes_give_the_seconds_and_the_last_give_the_words() -> None:
    seen = ShownAnswer("a")
    take_event(seen, {"type": "opened", "turn": "t", "conversation": "c"}, 0.1)
    take_event(seen, {"type": "quotes", "html": "<blockquote>One</blockquote>"}, 0.5)
    take_event(seen, {"type": "quotes", "html": "<blockquote>Two</blockquote>"}, 0.9)
    take_event(seen, {"type": "closed", "html": HTML, "status": "complete"}, 2.0)
    assert (seen.quotes, seen.quotes_s, seen.whole_s, len(seen.sentences)) == (["Two"], 0.5, 2.0, 3)


def test_a_reader_is_given_what_is_unjudged_with_its_support() -> None:
    rests = {"answer of a": {"cites": {"0": [{"text": "x", "support": "six", "document": "a.pdf", "page": 3}]}}}
    results = judge_results([question("a")], [shown("a", sentence("Eight."))], rests, {})
    (row,) = list_unjudged(results, rests)
    assert (row["sentence"], row["support"]) == (hash_sentence("Eight."), ["a.pdf, page 3: six"])


def test_the_table_holds_both_halves_and_breaks_at_no_sign_of_a_question() -> None:
    asked = [question("a"), question("b", "tune")]
    results = judge_results(asked, [shown("a", quotes=("seven | days",)), shown("b")], {}, {})
    page = write_report(results, compute_figures(results), {"trial.quotes_hold": 0.25}, "Run by hand.")
    assert "| 0.25 | 1.00 of 1 |" in page and "seven \\| days" in page
    assert page.index("half `report`") < page.index("half `tune`")


def test_visible_part_of_a_folded_answer_is_read_as_shown() -> None:
    text = "Prices rose. Wages fell."
    cites = [SentenceCitation(0, 0, 12, None, 0, 0, 0.1), SentenceCitation(1, 13, 24, 1, 0, 5, 1.0, quoted=True)]
    sentences, words = read_sentences(render_answer(text, cites, "x", only_verified=True))
    assert [(one.state, one.folded) for one in sentences] == [("unverified", True), ("quoted", False)]
    assert words == "Wages fell."
