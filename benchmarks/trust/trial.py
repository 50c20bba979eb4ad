"""Trial: questions of people over real documents, asked through the product as it is installed.

    python -m benchmarks.trust.trial --data DIR [--no-model] [--json FILE] [--report FILE] [--record FILE]

Documents are fetched, uploaded and ingested by the worker's own pipeline in an empty data directory. A web process with
default settings answers over its WebSocket. The packaged chat model runs beside it if no other answers at LLM_URL. With
`--no-model` a fake model writes one word per turn, and only quotes are measured. `--record` stores the answers shown;
`--again` computes figures and report from such a record, after sentences were judged.

The module measures and does not judge: see `trial_figures` for what counts as right.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")

from django.conf import settings

from benchmarks.lib import site
from benchmarks.lib.model_server import model_server
from benchmarks.trust.trial_asking import URL, ShownAnswer, ShownSentence, ask_questions
from benchmarks.trust.trial_documents import CACHE, fetch_documents, read_documents
from benchmarks.trust.trial_figures import TrialResult, compute_figures, judge_results, list_unjudged
from benchmarks.trust.trial_questions import (
    HALVES,
    Question,
    read_judgements,
    read_questions,
    select_questions,
)
from benchmarks.trust.trial_report import write_report

_PRODUCT = "benchmarks.trust.trial_product"
_WORDS_A_SECOND = 1000  # of the fake model


def measure_trial(data: Path, *, with_model: bool) -> dict[str, float]:
    """Return the figures of the whole trial, `trial.…`; {} if no document could be fetched. `data` is the folder of
    the data sets."""
    with tempfile.TemporaryDirectory() as folder:
        record = record_trial(data, Path(folder), with_model=with_model, cache=CACHE)
    results = read_results(record)
    _print_unjudged(results, record)
    return compute_figures(results) if results else {}


def record_trial(
    data: Path, folder: Path, *, with_model: bool, cache: Path, at_once: int = 1, half: str = ""
) -> dict[str, Any]:
    """Return a record of what was shown for each question and of its citations. `folder` becomes the data directory;
    one that holds a library from an earlier run is used as it is."""
    contents = fetch_documents(read_documents(), data, cache)
    questions = select_questions(read_questions(), contents)
    questions = [question for question in questions if half in ("", question.half)]
    if not contents or not questions:
        return {"shown": [], "rests": {}, "model": with_model}
    with _chat_model(data, with_model) as model:
        # A title is a second request after the answer, and would run into the next question.
        env = site.build_environment(str(folder), URL, TITLES="0", **model)
        filled = _prepare(env, folder, contents)
        questions = select_questions(questions, contents.keys() - filled["unread"].keys())
        with site.run_web(env) as (port, pid):
            asyncio.run(_settle(pid))
            shown = asyncio.run(ask_questions(questions, filled["session"], port, at_once))
        rests = site.run_module(_PRODUCT, "answers", env=env, data=[seen.answer for seen in shown])
    return {"shown": [asdict(seen) for seen in shown], "rests": rests, "model": with_model}


def read_results(kept: dict[str, Any]) -> list[TrialResult]:
    """Return the result of each question of a record, with the present judgements. Without a model no sentence
    counts."""
    shown = [_read_shown(row, with_model=kept["model"]) for row in kept["shown"]]
    return judge_results(read_questions(), shown, kept["rests"], read_judgements())


def _read_shown(row: dict[str, Any], *, with_model: bool) -> ShownAnswer:
    sentences = [ShownSentence(**sentence) for sentence in row["sentences"]] if with_model else []
    return ShownAnswer(**{**row, "sentences": sentences})


@contextmanager
def _chat_model(data: Path, with_model: bool) -> Iterator[dict[str, str]]:
    """Yield the environment variables by which a process reaches the chat model, or the fake one."""
    if with_model:
        with model_server() as found:
            yield found
        return
    tokenizer = Path(settings.MODELS_DIR) / "chat"
    with site.run_fake_model(data, _WORDS_A_SECOND, 1, 0.0) as address:
        yield {"LLM_URL": f"{address}/v1", "LLM_TOKENIZER": str(tokenizer) if tokenizer.is_dir() else ""}


def _prepare(env: dict[str, str], folder: Path, contents: dict[str, bytes]) -> dict[str, Any]:
    """Return the result of `trial_product.fill_library`, of this run or the earlier one that filled `folder`. Questions
    about a document that could not be read are not asked, and a line on standard error says so."""
    known = folder / "trial.json"
    if not known.is_file():
        with tempfile.TemporaryDirectory() as place:
            for name, content in contents.items():
                (Path(place) / name).write_bytes(content)
            known.write_text(json.dumps(site.run_module(_PRODUCT, "fill", place, env=env)))
    filled: dict[str, Any] = json.loads(known.read_text())
    for name, reason in filled["unread"].items():
        print(f"trial: {name} was not read; its questions are skipped. {reason}", file=sys.stderr)
    return filled


async def _settle(pid: int) -> None:
    import psutil

    await site.wait_until_idle(psutil.Process(pid))


def list_wrong_answers(questions: Sequence[Question], texts: dict[str, list[str]]) -> list[str]:
    """Return a line for each question whose answer is not in the pages of its document (`texts`), and one for each page
    that answers an unanswerable question."""
    lines = []
    for question in questions:
        if question.absent:
            places = [name for name, pages in texts.items() for page in pages if question.holds(page)]
            lines += [f"{question.id}: has an answer in {name}" for name in places]
        elif question.answerable and question.document in texts:
            pages = texts[question.document]
            lines += [] if any(map(question.holds, pages)) else [f"{question.id}: no answer in {question.document}"]
    return lines


def _print_unjudged(results: Sequence[TrialResult], kept: dict[str, Any]) -> None:
    for row in list_unjudged(results, kept["rests"]):
        print(json.dumps(row, ensure_ascii=False))


def main(options: Namespace) -> None:
    """Run the trial, or compute from a record, and write the requested files."""
    if options.again:
        kept = json.loads(options.again.read_text())
    elif options.check:
        texts = site.run_module(_PRODUCT, "texts", env={**os.environ, "DATA_DIR": str(options.folder)})
        print("\n".join(list_wrong_answers(read_questions(), texts)) or "Every answer is where it should be.")
        return
    else:
        with tempfile.TemporaryDirectory() as fresh:
            folder = options.folder or Path(fresh)
            kept = record_trial(
                options.data, folder, with_model=not options.no_model, cache=options.cache, at_once=options.at_once,
                half=options.half,
            )  # fmt: skip
    if options.record:
        options.record.write_text(json.dumps(kept, ensure_ascii=False))
    results = read_results(kept)
    figures = compute_figures(results)
    _print_unjudged(results, kept)
    for name, value in figures.items():
        print(f"{name:<40} {value:,.4g}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    if options.report:
        before = json.loads(options.before.read_text()) if options.before else {}
        options.report.write_text(write_report(results, figures, before, options.how))


def parse_arguments(arguments: Sequence[str] | None = None) -> Namespace:
    """Return the options of the command line."""
    parser = ArgumentParser(prog="python -m benchmarks.trust.trial", description=(__doc__ or "").partition("\n")[0])
    data = Path(settings.BASE_DIR).parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=data, metavar="DIR", help="folder of the data sets")
    parser.add_argument("--cache", type=Path, default=CACHE, metavar="DIR", help="folder of the fetched packages")
    parser.add_argument("--no-model", action="store_true", help="measure quotes only")
    parser.add_argument("--half", default="", choices=["", *HALVES], help="ask only this half of the questions")
    parser.add_argument("--at-once", type=int, default=1, metavar="N", help="conversations side by side")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="data directory to use, and to keep")
    parser.add_argument("--check", action="store_true", help="check the answers of the questions in --folder, ask none")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write what was shown there")
    parser.add_argument("--again", type=Path, metavar="FILE", help="compute from such a record, ask nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the table there, as Markdown")
    parser.add_argument("--before", type=Path, metavar="FILE", help="figures of an earlier run, for the table")
    parser.add_argument("--how", default="", metavar="WORDS", help="how it was run, for the table")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(parse_arguments())
