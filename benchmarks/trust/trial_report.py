"""Report of the trial as Markdown: figures of both halves, then each question with its quotes and what was shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.trust.trial_figures import JudgedSentence, TrialResult
from benchmarks.trust.trial_questions import HALVES, fold_spaces

FIGURES = (
    ("quotes_hold", "answerable questions whose quotes hold the whole answer"),
    ("answerable_quoted", "answerable questions with any quote"),
    ("absent_said", "unanswerable questions without a quote and without a sentence with a pill"),
    ("talk_understood", "small talk and sums taken as such"),
    ("wrong_with_pill", "judged sentences with a pill that are wrong"),
    ("beside_with_pill", "judged sentences with a pill that are true and no answer"),
    ("shown_wrong", "judged sentences visible without unfolding that are wrong"),
    ("shown_beside", "judged sentences visible without unfolding that are true and no answer"),
    ("quotes_s_p50", "median seconds to the first quotes"),
    ("unjudged", "sentences that no reader has judged"),
)
_QUOTE = 110  # characters of a quote or sentence in the table


def write_report(
    results: Sequence[TrialResult], figures: Mapping[str, float], before: Mapping[str, float], how: str
) -> str:
    """Return the page. `before` holds the figures of an earlier run, {} without one; `how` says how it was run."""
    lines = [
        "# Trial: questions of people over real documents",
        "",
        "This page is written by `python -m benchmarks.trust.trial --report FILE`. Documents, questions and",
        "verdicts lie in `benchmarks/trust/trial_data`. Half of the questions, `report`, counts: nobody tunes on it.",
        "",
        how,
        "",
        "## Figures",
        "",
    ]
    lines += _figures(figures, before)
    for half in reversed(HALVES):
        lines += ["", f"## Questions of the half `{half}`", ""]
        lines += _questions([result for result in results if result.question.half == half])
    return "\n".join([*lines, ""])


def _figures(figures: Mapping[str, float], before: Mapping[str, float]) -> list[str]:
    lines = ["| figure | meaning | report, before | report | tune, before | tune |", "|---|---|---|---|---|---|"]
    for name, meaning in FIGURES:
        cells = [
            _number(source, f"{prefix}.{name}") for prefix in ("trial", "trial.tune") for source in (before, figures)
        ]
        lines.append(f"| `{name}` | {meaning} | {' | '.join(cells)} |")
    return lines


def _number(figures: Mapping[str, float], name: str) -> str:
    if name not in figures:
        return ""
    count = figures.get(f"{name}.count")
    value = figures[name]
    return f"{value:.2f} of {count:.0f}" if count is not None else f"{value:.3g}"


def _questions(results: Sequence[TrialResult]) -> list[str]:
    lines = ["| question | kind | quotes | s | shown without unfolding |", "|---|---|---|---|---|"]
    for result in results:
        question, shown = result.question, result.shown
        first = "" if shown.quotes_s is None else f"{shown.quotes_s:.2f}"
        cells = [f"{question.question} (`{question.id}`)", _kind(result), _quotes(result), first, _shown(result)]
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return lines


def _kind(result: TrialResult) -> str:
    question = result.question
    return f"{question.language}, {'no answer' if question.absent else question.kind}"


def _quotes(result: TrialResult) -> str:
    if not result.shown.quotes:
        return "nothing found" if result.shown.nothing else "none"
    if result.question.answerable:
        best = next((quote for quote in result.shown.quotes if result.question.holds(quote)), result.shown.quotes[0])
        return f"{'**hold**' if result.holds else 'do not hold'}: {_short(best)}"
    return f"{len(result.shown.quotes)} shown: {_short(result.shown.quotes[0])}"


def _shown(result: TrialResult) -> str:
    if result.question.talk:
        return f"{'understood' if result.talked else 'not understood'}: {_short(result.shown.words)}"
    parts = [_sentence(item) for item in result.visible]
    folded = len(result.sentences) - len(result.visible)
    return "; ".join([*parts, *([f"{folded} folded"] if folded else [])]) or "no sentence"


def _sentence(item: JudgedSentence) -> str:
    pill = "pill" if item.sentence.pill else "no pill"
    return f"{item.verdict or 'unjudged'}, {pill}: {_short(item.sentence.text)}"


def _short(text: str) -> str:
    plain = fold_spaces(text)
    return plain if len(plain) <= _QUOTE else plain[: _QUOTE - 1].rstrip() + "…"


def _cell(text: str) -> str:
    return fold_spaces(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
