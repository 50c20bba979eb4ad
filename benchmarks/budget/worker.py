"""Worker of the budget benchmark: ingests the sets, one collection each, and searches with each budget. Prints JSON.

DATA_DIR=… python -m benchmarks.budget.worker FOLDER_OF_DATA_SETS TEXTS QUESTIONS BUDGETS SET…

For each set and budget the share of the marked characters that the passages hold, by question, and their tokens.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import django

if TYPE_CHECKING:
    from benchmarks.budget.evidence import EvidenceQuestion

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")


def main(data: Path, texts: int, questions: int, budgets: Sequence[int], names: Sequence[str]) -> dict[str, Any]:
    """Search all sets and return shares and tokens by set and budget."""
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from apps.documents.models import Document
    from apps.users.models import User
    from benchmarks.budget.evidence import read_evidence_set
    from benchmarks.lib import fixtures

    user = User.objects.create_user("bench@example.org", uuid4().hex)
    found: dict[str, Any] = {}
    for name in names:
        evidence = read_evidence_set(data, name, texts, questions)
        collection = fixtures.create_collection(user, evidence.texts)
        rows = Document.objects.filter(collection=collection).values_list("name", "pk")
        documents = {name.removesuffix(".txt"): pk for name, pk in rows}
        found[name] = {
            budget: asyncio.run(_measure(user, collection.pk, documents, evidence.questions, budget))
            for budget in budgets
        }
        print(f"{name}: {len(evidence.questions)} questions asked", file=sys.stderr)
    return found


async def _measure(
    user: Any, collection: Any, documents: dict[str, Any], questions: Sequence[EvidenceQuestion], budget: int
) -> dict[str, list[float]]:
    """Return by question the share of the evidence in the passages, and the tokens of these."""
    from apps.documents.retrieval.search import search
    from apps.engines import registry

    embedder = registry.get_embedder()

    def count(parts: Sequence[str]) -> list[int]:
        return [len(embedder.offsets(part)) for part in parts]

    shares, tokens, ms = list[float](), list[float](), list[float]()
    for item in questions:
        result = await search(user, item.question, collections=[collection], token_budget=budget, count=count)
        own = [passage for passage in result.passages if passage.document_id == documents[item.text_id]]
        given = {at for passage in own for span in passage.spans for at in range(*span)}
        gold = {at for span in item.spans for at in range(*span)}
        shares.append(len(gold & given) / len(gold))
        tokens.append(sum(count([passage.text for passage in result.passages])))
        ms.append(result.ms.get("sections") or result.ms["cut"])
    return {"shares": shares, "tokens": tokens, "ms": ms}


if __name__ == "__main__":
    folder, texts, questions, budgets, *names = sys.argv[1:]
    print(json.dumps(main(Path(folder), int(texts), int(questions), [int(part) for part in budgets.split(",")], names)))
