"""Figures of search and quotes: silence, irrelevant quotes, typing errors, rare words, ranking. Prints JSON.

    DATA_DIR=… python -m benchmarks.trust.searching FOLDER_OF_DATA_SETS QUESTIONS_OF_EACH_SET

Each set becomes a collection in an empty data directory and is searched like in a chat. Missing sets are left out.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import django

from apps.lib.text.analyzer import STOPWORDS

if TYPE_CHECKING:
    from benchmarks.lib.datasets import DataSet

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")

SETS = ("cranfield", "cacm", "anthropic_docs_rag", "xquad", "clapnq")
ABSTAIN = "clapnq"  # its other half of questions has no answer in the texts
FORMS = ("{}", "What is said about {}?", "How is {} addressed?")
_WORDS = 34  # rare words of a set, each asked for in every form
_LETTERS = 5  # of a word that is mistyped, or asked for
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class MeasuredSet:
    """A set in a collection: `texts` names the text that each document holds."""

    user: Any
    collection: Any
    texts: Mapping[UUID, str]
    data: DataSet


def main(data: Path, count: int) -> dict[str, float]:
    """Search up to `count` questions of each set and return the figures."""
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from apps.users.models import User
    from benchmarks.lib import datasets as library

    user = User.objects.create_user("bench@example.org", uuid4().hex)
    found: dict[str, list[list[float]]] = {"ndcg10": [], "recall": [], "typo": [], "word": []}
    numbers: dict[str, float] = {}
    for name in SETS:
        if not (data / name / "corpus.jsonl").is_file():
            print(f"{name} is not among the data sets: left out.", file=sys.stderr)
            continue
        place = fill_collection(user, library.read_data_set(data / name))
        for figure, values in asyncio.run(measure_set(place, count)).items():
            found[figure].append(values)
        numbers |= _counted(f"ndcg10.{name}", found["ndcg10"][-1])
        if name == ABSTAIN:
            numbers |= measure_silence(place)
        print(f"{name}: done", file=sys.stderr)
    return numbers | summarise(found)


def summarise(found: Mapping[str, Sequence[Sequence[float]]]) -> dict[str, float]:
    """Return the figures over all sets. nDCG and recall: each set weighs the same."""
    if not found["ndcg10"]:
        return {}
    mean = {
        name: sum(sum(values) / len(values) for values in lists) / len(lists) for name, lists in found.items() if lists
    }
    count = {name: float(sum(map(len, lists))) for name, lists in found.items()}
    return {
        "typo_recall10_loss": mean["recall"] - mean["typo"], "typo_recall10_loss.n": count["typo"],
        "found_by_word": mean["word"], "found_by_word.n": count["word"],
        "ndcg10": mean["ndcg10"], "ndcg10.n": count["ndcg10"],
    }  # fmt: skip


def fill_collection(user: Any, data: DataSet) -> MeasuredSet:
    """Store the texts of a set as one collection, embedded and indexed."""
    from apps.documents.models import Document
    from benchmarks.lib import fixtures

    collection = fixtures.create_collection(user, data.texts)
    rows = Document.objects.filter(collection=collection).values_list("pk", "name")
    return MeasuredSet(user, collection, {pk: name.removesuffix(".txt") for pk, name in rows}, data)


async def measure_set(place: MeasuredSet, count: int) -> dict[str, list[float]]:
    """Return by question nDCG@10, recall@10 as asked and with a typing error; and by rare word whether it is found."""
    from apps.documents.retrieval.search import search
    from benchmarks.lib.metrics import ndcg, recall

    judged = sorted(question for question in place.data.questions if question in place.data.relevant)
    Random(7).shuffle(judged)  # noqa: S311
    judged = judged[:count]
    asked = [place.data.questions[question] for question in judged]
    relevant = [place.data.relevant[question] for question in judged]
    rng = Random(7)  # noqa: S311
    rankings, typed = await rank(place, asked), await rank(place, [mistype(text, rng) for text in asked])
    words = [form.format(word) for word in rare_words(place.data, _WORDS) for form in FORMS]
    shown = [bool((await search(place.user, text, collections=[place.collection.pk])).passages) for text in words]
    return {
        "ndcg10": [ndcg(*pair) for pair in zip(rankings, relevant, strict=True)],
        "recall": [recall(*pair, 10) for pair in zip(rankings, relevant, strict=True)],
        "typo": [recall(*pair, 10) for pair in zip(typed, relevant, strict=True)],
        "word": [float(any_passage) for any_passage in shown],
    }


async def rank(place: MeasuredSet, questions: Sequence[str]) -> list[list[str]]:
    """Return the texts that a search weighs for each question, best first."""
    from apps.documents.retrieval import search
    from benchmarks.lib.datasets import embed_cached

    found = []
    for text, vector in zip(questions, embed_cached(questions), strict=True):
        documents = await search.rank_all_documents(place.user, text, [place.collection.pk], vector)
        found.append([place.texts[document] for document in documents])
    return found


def measure_silence(place: MeasuredSet) -> dict[str, float]:
    """Return the area under ROC of the best relevance for answerable questions, and the share of both kinds with
    quotes."""
    from apps.evaluation.golden_questions import search_preview
    from training.relevance.calibration import compute_auc

    best: dict[bool, list[float]] = {True: [], False: []}
    quoted: dict[bool, list[float]] = {True: [], False: []}
    for question, text in place.data.questions.items():
        found, quotes = search_preview.search_and_quote(place.user, place.collection, text)
        answerable = question in place.data.relevant
        best[answerable].append(max((hit.relevance for hit in found.hits), default=0.0))
        quoted[answerable].append(float(bool(quotes)))
    if not best[True] or not best[False]:
        return {}
    numbers = {
        "abstain_auc": compute_auc(best[True], best[False]),
        "abstain_auc.n": float(len(best[True]) + len(best[False])),
    }
    return numbers | _counted("irrelevant_quotes", quoted[False]) | _counted("answerable_quoted", quoted[True])


def mistype(question: str, rng: Random) -> str:
    """Return the question with one edit inside one of its longer words that mean something: a letter left out, doubled
    or changed, or two swapped. Unchanged if it has no such word."""
    found = re.finditer(rf"\b[^\W\d_]{{{_LETTERS},}}\b", question)
    words = [match for match in found if match.group().lower() not in STOPWORDS]
    if not words:
        return question
    chosen = rng.choice(words)
    word = chosen.group()
    at = rng.randrange(1, len(word) - 2)
    other = rng.choice([letter for letter in _ALPHABET if letter != word[at].lower()])
    edits = [word[:at] + word[at + 1 :], word[:at] + word[at] + word[at:], word[:at] + other + word[at + 1 :]]
    if word[at] != word[at + 1]:
        edits.append(word[:at] + word[at + 1] + word[at] + word[at + 2 :])
    return question[: chosen.start()] + rng.choice(edits) + question[chosen.end() :]


def rare_words(data: DataSet, count: int) -> list[str]:
    """Return words that occur twice or more in one text and in no other: its subject."""
    counts = [Counter(re.findall(rf"\b[a-z]{{{_LETTERS},}}\b", text.text.lower())) for text in data.texts]
    spread = Counter(word for there in counts for word in there)
    rare = sorted({word for there in counts for word, times in there.items() if times > 1 and spread[word] == 1})
    Random(7).shuffle(rare)  # noqa: S311
    return rare[:count]


def _counted(name: str, values: Sequence[float]) -> dict[str, float]:
    return {name: sum(values) / len(values), f"{name}.n": float(len(values))} if values else {}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
