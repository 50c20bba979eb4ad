"""Worker of the answers benchmark: asks every question of a data set in an empty data directory.

    DATA_DIR=… python -m benchmarks.answers.worker FILE QUESTIONS_FOR_THE_MODEL QUESTIONS_IN_ALL

Prints JSON: for each share a list of booleans, one per question.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
import string
import sys
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


@dataclass(frozen=True, slots=True)
class GoldQuestion:
    """Question with its gold answers."""

    question: str
    gold: tuple[str, ...]


def main(path: Path, sample: int, first: int) -> dict[str, list[bool]]:
    """Index the paragraphs and ask the questions; `sample` of them also go to the model. `first` limits the questions,
    0 asks all."""
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from apps.users.models import User
    from benchmarks.lib import fixtures
    from benchmarks.lib.datasets import DatasetText

    user = User.objects.create_user("bench@example.org", uuid4().hex)
    paragraphs, questions = read_squad(path)
    texts = [DatasetText(str(number), title, text) for number, (title, text) in enumerate(paragraphs)]
    fixtures.create_collection(user, texts)
    questions = questions[:: max(1, len(questions) // first)] if first else questions
    return asyncio.run(_ask(user, questions, sample))


def read_squad(path: Path) -> tuple[list[tuple[str, str]], list[GoldQuestion]]:
    """Return the paragraphs as (title of the article, text), and the questions."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    paragraphs, questions = [], []
    for article in json.loads(content)["data"]:
        for paragraph in article["paragraphs"]:
            paragraphs.append((str(article.get("title", "")).replace("_", " "), paragraph["context"]))
            for item in paragraph["qas"]:
                gold = tuple(answer["text"] for answer in item["answers"])
                questions.append(GoldQuestion(item["question"], gold))
    return paragraphs, questions


def normalise_answer(text: str) -> str:
    """Return the text as SQuAD compares it: lower case, without punctuation and articles, single spaces."""
    kept = "".join(char for char in text.lower() if char not in string.punctuation)
    return " ".join(_ARTICLES.sub(" ", kept).split())


def contains_gold(text: str, gold: Sequence[str]) -> bool:
    """Return whether the text contains a gold answer, both normalised."""
    said = f" {normalise_answer(text)} "
    return any(f" {normalise_answer(answer)} " in said for answer in gold if normalise_answer(answer))


async def _ask(user: Any, questions: Sequence[GoldQuestion], sample: int) -> dict[str, list[bool]]:
    from apps.documents.retrieval.search import search
    from apps.engines import registry
    from apps.grounding import quote_selection
    from apps.lib.concurrency.threads import in_pool
    from benchmarks.answers import run as answers

    sampled = set(range(0, len(questions), max(1, len(questions) // sample))) if sample else set()
    results: dict[str, list[bool]] = {name: [] for name in answers.SHARES}
    for number, asked in enumerate(questions):
        result = await search(user, asked.question)
        passages = dict(enumerate(result.passages, 1))
        quotes = await in_pool(quote_selection.select_quotes, asked.question, passages, result.idf)
        results["gold_in_first_quote"].append(bool(quotes) and contains_gold(quotes[0].text, asked.gold))
        results["gold_in_quotes"].append(any(contains_gold(quote.text, asked.gold) for quote in quotes))
        best_sentence = await in_pool(
            partial(quote_selection.select_quotes, asked.question, passages, result.idf, limit=1, join=False)
        )
        results["gold_in_best_sentence"].append(
            bool(best_sentence) and contains_gold(best_sentence[0].text, asked.gold)
        )
        results["first_quotes_joined"].append(
            [quote.text for quote in quotes[:1]] != [quote.text for quote in best_sentence]
        )
        if number in sampled and len(results["gold_in_model_text"]) < sample:
            results["gold_in_model_text"].append(
                contains_gold(await _answer_with_model(asked.question, result.passages), asked.gold)
            )
        if number % 100 == 99:
            shares = {name: f"{sum(right) / len(right):.3f}" for name, right in results.items() if right}
            print(f"{number + 1} of {len(questions)} questions: {shares}", file=sys.stderr)
    if sample:
        await registry.get_chat_engine().close()
    return results


async def _answer_with_model(question: str, passages: Sequence[Any]) -> str:
    """Return the model's answer, prompted as in the first turn of a conversation."""
    from apps.conversations.core.numbered_sources import SourceNumbers
    from apps.conversations.evidence import source_numbering
    from apps.conversations.turns import prompt
    from apps.engines import registry
    from apps.engines.types import ChatRequest, Delta, Sampling

    if not passages:
        return ""
    chat = registry.get_chat_engine()
    window = (await chat.info()).context_tokens
    kept = prompt.select_history((), window, chat.count)
    placed = source_numbering.number_passages(passages, SourceNumbers(), kept.given_spans)
    laid_out = prompt.build_prompt(question, (), kept, placed, window, chat.count)
    request = ChatRequest(laid_out.messages, Sampling(max_tokens=min(laid_out.max_tokens, 160)))
    async with aclosing(chat.stream(request)) as stream:
        return "".join([part.text async for part in stream if isinstance(part, Delta)])


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
