"""Helpers for review cases about turns: flag, withhold and overturn, and compare what is stored."""

from __future__ import annotations

import zlib
from typing import Any

from django.apps import apps
from django.db import models

from apps.conversations.models import AnswerTrace, Citation, Conversation, Message
from apps.safety.models import Case, Notice
from apps.safety.moderation import appeals, cases
from apps.safety.moderation.cases import FlaggedContent
from apps.safety.moderation.decision_input import DecisionInput
from apps.safety.policy.evaluation import PolicyResult
from apps.safety.policy.schema import Action
from apps.users.models import User
from tests.support.users import make_user


def flagged(answer: Message, kind: str = "answer", clause: str = "hate") -> Case:
    """Flag the answer, or its question, and return the case."""
    text = answer.parent.text if kind == "question" and answer.parent else answer.text
    return cases.flag_content(
        FlaggedContent(
            kind, str(answer.pk), kind, text, answer.asked_by_id, PolicyResult(Action.REVIEW, clause, 3, 0.9)
        )
    )


def reviewer(name: str) -> User:
    """Return the reviewer of that name, created if missing."""
    return User.objects.filter(email=f"{name}@example.org").first() or make_user(name, User.Role.REVIEWER)


def withheld(answer: Message, kind: str = "answer", clause: str = "hate") -> Case:
    """Let a reviewer withhold the answer, or its question, and return the case."""
    morgan, case = reviewer("morgan"), flagged(answer, kind, clause)
    held = cases.claim_case(morgan, case.pk)
    cases.decide_case(morgan, case.pk, DecisionInput(held.lease_token, held.version, "block", "clear"))
    return case


def overturned(case: Case) -> None:
    """Let the user appeal, and another reviewer overturn the decision."""
    notice = Notice.objects.get(case=case, decision__outcome="block")
    assert notice.person is not None
    appeals.submit_appeal(notice.person, notice, "It was a quotation.")
    robin = reviewer("robin")
    held = cases.claim_case(robin, case.pk)
    appeals.decide_appeal(robin, case.pk, DecisionInput(held.lease_token, held.version, "overturn", "mistake"))


def state(place: Conversation) -> dict[str, Any]:
    """Return all that is stored of a conversation."""
    return {
        "place": Conversation.objects.filter(pk=place.pk).values("title", "titled").get(),
        "messages": list(Message.objects.filter(conversation=place).order_by("created").values()),
        "citations": list(Citation.objects.filter(answer__conversation=place).order_by("pk").values()),
        "records": [bytes(row.data) for row in AnswerTrace.objects.filter(answer__conversation=place).order_by("pk")],
    }


def standing(word: str) -> set[str]:
    """Return the model fields of the whole database that hold the word."""
    found = set()
    for model in apps.get_models():
        for row in model._default_manager.all():
            for field in model._meta.concrete_fields:
                value = field.value_from_object(row)
                if isinstance(field, models.BinaryField):
                    try:
                        value = zlib.decompress(bytes(value)).decode()
                    except (zlib.error, UnicodeDecodeError):
                        continue
                if word in str(value):
                    found.add(f"{model._meta.label}.{field.name}")
    return found
