"""Messages for users whose content was withheld, by clause.

The messages accuse nobody: a check may be wrong, and a blocklist says nothing about its user. Sentences are stored in
English, one per line, and translated when shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from apps.safety.policy.evaluation import (
    BLOCKLIST_DETECTOR,
    SELF_HARM,
    UNCHECKED,
    PolicyResult,
    Signal,
    evaluate_policy,
)
from apps.safety.policy.schema import Policy, Stage

CHARACTERS = 400  # of a reason as stored with an answer
CRISIS_SUPPORT = (  # a stored reason is recognised by the first line
    "It sounds as if you are going through something very hard; you do not have to carry it alone.\n"
    "People listen at any hour: 988 in the United States and Canada, Samaritans 116 123 in the United Kingdom and "
    "Ireland.\n"
    "In danger now? Call 112, in North America 911. For other countries: findahelpline.com."
)
WITHHELD_QUESTION = "This question asks for something that could seriously hurt people, so it is not answered here."
WITHHELD_ANSWER = "The rest of this answer was withheld, because it could seriously hurt people."
REVIEW_NOTE = "A reviewer will look at it and will correct it if the check was wrong. See your notices."
BLOCKLIST_QUESTION = "This question contains a term that this site blocks, so it is not answered here."
BLOCKLIST_PICTURE = "The description of this picture contains a term that this site blocks, so it is not created here."
BLOCKLIST_ANSWER = "The rest of this answer was withheld, because it contains a term that this site blocks."
QUESTION_MESSAGES: Mapping[str, str] = {
    "child_exploitation": "This question could harm children, so it is not answered here.",
    "weapons": "This question seems to ask for weapons or explosives, so it is not answered here.",
    "violence": "This question seems to ask for help with hurting people, so it is not answered here.",
    "hate": "This question seems to degrade people for who they are, so it is not answered here.",
    "harassment": "This question seems to insult or threaten a person, so it is not answered here.",
    "sexual": "This question seems to ask for something sexual, so it is not answered here.",
    "crime": "This question seems to ask for help with a crime, so it is not answered here.",
    "drugs": "This question seems to ask how to make or sell hard drugs, so it is not answered here.",
    "malware": "This question seems to ask for harmful software, so it is not answered here.",
    "prompt_attack": "This question seems meant to change the assistant's rules, so it is not answered here.",
    "exfil": "This question would send data to another server in a link, so it is not answered here.",
    "personal_data": "This question is about personal data of others, so it is not answered here.",
    "secrets": "This question is about passwords or keys, so it is not answered here.",
    "sex_crime": "This question seems to ask for help with sexual violence, so it is not answered here.",
    "defamation": (
        "This question seems to ask for false claims about a person or company, so it is not answered here."
    ),
    "impersonation": "This question seems to ask for an imitation of a real person, so it is not answered here.",
    "intellectual_property": "This question seems to ask for a copy of a protected work, so it is not answered here.",
    "advice": "This question needs an expert who knows your situation, so it is not answered here.",
    "prompt_leak": "This question repeats confidential instructions of the assistant, so it is not answered here.",
}
ANSWER_MESSAGES: Mapping[str, str] = {
    "hate": "The rest of this answer was withheld, because it seems to degrade people for who they are.",
    "harassment": "The rest of this answer was withheld, because it seems to insult a person.",
    "sexual": "The rest of this answer was withheld, because it seems to be sexual.",
    "prompt_attack": "The rest of this answer was withheld, because it seems meant to change the assistant's rules.",
    "exfil": "The rest of this answer was withheld, because it would send data to another server in a link.",
    "personal_data": "The rest of this answer was withheld, because it contains personal data.",
    "secrets": "The rest of this answer was withheld, because it seems to contain a password or a key.",
    "defamation": "The rest of this answer was withheld, because it may make false claims about a person or company.",
    "impersonation": "The rest of this answer was withheld, because it could be mistaken for words of a real person.",
    "intellectual_property": "The rest of this answer was withheld, because it may copy a protected work.",
    "advice": "The rest of this answer was withheld, because it needs an expert.",
    "prompt_leak": (
        "The rest of this answer was withheld, because it repeats confidential instructions of the assistant."
    ),
}


def is_crisis_support(reason: str) -> bool:
    """Return whether a stored reason, in any language, is the message for a user who speaks of self-harm."""
    return any(reason.startswith(line) for line in _care_lines())


@cache
def _care_lines() -> frozenset[str]:
    """Return the first line of CRISIS_SUPPORT in each language of the pages."""
    first = CRISIS_SUPPORT.partition("\n")[0]
    found = {first}
    for language, _ in settings.LANGUAGES:
        with translation.override(language):
            found.add(gettext(first))
    return frozenset(found)


def crisis_support_line() -> str:
    """Return CRISIS_SUPPORT in the active language, on one line."""
    return " ".join(gettext(line) for line in CRISIS_SUPPORT.splitlines())


def withheld_message(
    stage: Stage, result: PolicyResult, signals: Sequence[Signal], policy: Policy, unavailable: str
) -> str:
    """Return the message for a result that is not allowed, in English; `unavailable` if no check could judge."""
    if result.code == UNCHECKED:
        return unavailable
    if result.code == SELF_HARM:
        return CRISIS_SUPPORT
    is_question = stage is not Stage.ANSWER
    known, general, listed = (
        (QUESTION_MESSAGES, WITHHELD_QUESTION, BLOCKLIST_QUESTION)
        if is_question
        else (ANSWER_MESSAGES, WITHHELD_ANSWER, BLOCKLIST_ANSWER)
    )
    lines = [known.get(result.code, general)]
    if _is_by_blocklist(stage, signals, policy):
        clause = policy.clause(result.code)
        lines = [listed, *([clause.text] if clause and len(clause.text) <= CHARACTERS // 2 else [])]
    return "\n".join([*lines, REVIEW_NOTE] if is_question and result.reviewed else lines)


def _is_by_blocklist(stage: Stage, signals: Sequence[Signal], policy: Policy) -> bool:
    """Return whether the text was withheld only by a blocklist of the site."""
    others = [signal for signal in signals if signal.detector != BLOCKLIST_DETECTOR]
    return len(others) < len(signals) and evaluate_policy(stage, others, policy).allowed
