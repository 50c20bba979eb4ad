"""Build pairs of a preferred and a rejected answer to one question, in the format of TRL's DPO trainer.

Only answers of users who consent (`User.allows_training_on_answers`) are used; consent is read anew at each export.
The prompt is the conversation before and the question, without passages.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import QuerySet

from apps.conversations.models import Feedback, Message, Preference

Turns = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class PreferencePair:
    """Two answers to one question that the same user rated differently, or compared."""

    user_id: int
    prompt: Turns
    chosen: str
    rejected: str

    def to_json(self) -> dict[str, Any]:
        """Return the conversational format: {"prompt": [messages], "chosen": [message], "rejected": [message]}."""
        texts = {"chosen": self.chosen, "rejected": self.rejected}
        answers = {name: [{"role": "assistant", "content": text}] for name, text in texts.items()}
        return {"prompt": self.prompt, **answers}


def build_pairs() -> list[PreferencePair]:
    """Return every pair of a good and a poor answer of one user to one question, and every compared pair."""
    pairs = []
    for (user_id, question), texts in _rated().items():
        prompt = _prompt(question)
        pairs += [PreferencePair(user_id, prompt, *both) for both in _different(texts)]
    for row in _preferred():
        if row.better.parent_id is not None:
            pairs.append(PreferencePair(row.user_id, _prompt(row.better.parent_id), row.better.text, row.worse.text))
    return pairs


def count_pairs() -> int:
    """Return how many pairs `build_pairs` would return, without reading the prompts."""
    return sum(len(_different(texts)) for texts in _rated().values()) + _preferred().count()


def _preferred() -> QuerySet[Preference]:
    """Return the comparisons of two complete, different answers by consenting active users."""
    rows = Preference.objects.filter(
        user__allows_training_on_answers=True, user__is_active=True, better__status=Message.Status.COMPLETE,
        worse__status=Message.Status.COMPLETE, better__conversation__deleted__isnull=True,
    )  # fmt: skip
    return rows.exclude(better__text=models.F("worse__text")).select_related("better", "worse").order_by("pk")


def _rated() -> dict[tuple[int, UUID], dict[bool, list[str]]]:
    """Return, by user and question, the texts of answers rated good (True) and poor (False); only where both exist."""
    rated: dict[tuple[int, UUID], dict[bool, list[str]]] = {}
    rows = Feedback.objects.filter(
        user__allows_training_on_answers=True, user__is_active=True, answer__status=Message.Status.COMPLETE,
        answer__parent__isnull=False, answer__conversation__deleted__isnull=True,
    ).exclude(answer__text="")  # fmt: skip
    for user, question, good, text in rows.order_by("pk").values_list(
        "user", "answer__parent", "is_positive", "answer__text"
    ):
        if question is not None:
            rated.setdefault((user, question), {}).setdefault(good, []).append(text)
    return {key: texts for key, texts in rated.items() if len(texts) == 2}


def _different(texts: dict[bool, list[str]]) -> list[tuple[str, str]]:
    return [(chosen, rejected) for chosen, rejected in product(texts[True], texts[False]) if chosen != rejected]


def _prompt(question: UUID) -> Turns:
    """Return the messages from the first one down to the question, oldest first; withheld messages are left out."""
    turns: Turns = []
    row: Message | None = Message.objects.filter(pk=question).first()
    while row is not None:
        if row.text:  # withheld messages have no text
            turns.append({"role": str(row.role), "content": row.text})
        row = row.parent
    return turns[::-1]
