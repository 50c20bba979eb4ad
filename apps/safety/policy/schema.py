"""Parse and validate policies: clauses, thresholds per stage, and blocklists.

A policy is stored as JSON in a `PolicyVersion`. `parse_policy` rejects an incomplete one. Pure, no database.

The keys of stored and exported policies never change: `fail` is the failure mode of a clause, `rule` its rule action,
`steps` its thresholds per stage, `least` the score of a threshold, and `lists` are the blocklists.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext, gettext_lazy

from apps.safety.policy.former_wording import FORMER_WORDING


class Stage(TextChoices):
    """Point at which a text or picture is checked."""

    QUESTION = "question", gettext_lazy("Question")
    PASSAGE = "passage", gettext_lazy("Document")  # a passage of a document
    ANSWER = "answer", gettext_lazy("Answer")
    PICTURE = "picture", gettext_lazy("Picture")
    EXPORT = "export", gettext_lazy("Export")  # answers and pictures leave as a file or on paper
    SHARE = "share", gettext_lazy("Shared link")  # a conversation is shared by a link


# Exported content was checked before, for its own user. A clause without thresholds for an export stage uses those of
# answers or pictures.
EXPORT_STAGES = frozenset({Stage.EXPORT, Stage.SHARE})
PICTURE_STAGES = EXPORT_STAGES | {Stage.PICTURE}  # stages at which the picture itself is checked, not only its prompt


class Action(TextChoices):
    """Action of the gate, from mildest to strictest."""

    NOTE = "note", gettext_lazy("Allowed and counted")  # also shown in "Behind the scenes"
    LABEL = "label", gettext_lazy("Allowed with a label")
    BLUR = "blur", gettext_lazy("Shown blurred until clicked")  # pictures only
    REDACT = "redact", gettext_lazy("Redacted")  # personal data and secrets in an answer only
    REVIEW = "review", gettext_lazy("Allowed and sent to review")
    WITHHOLD = "withhold", gettext_lazy("Withheld")
    SEND = "withhold_and_review", gettext_lazy("Withheld and sent to review")


ACTION_ORDER = tuple(Action)


class FailureMode(TextChoices):
    """Behaviour of a clause if a detector that it needs gives no signal."""

    CLOSED = "closed"  # nothing is let through
    OPEN = "open"  # let through, marked as not checked


class PolicyError(ValueError):
    """Invalid policy; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """Score from which a clause's label requires `action`."""

    min_score: float
    action: Action


@dataclass(frozen=True, slots=True)
class Clause:
    """Clause of a policy with its thresholds per stage."""

    code: str  # of the taxonomy; also the label of detectors
    title: str
    text: str  # shown to users whose content was withheld
    severity: int  # 0 … 4
    failure_mode: FailureMode
    rule_action: Action  # action of a matching rule
    thresholds: Mapping[Stage, tuple[Threshold, ...]]  # ascending


@dataclass(frozen=True, slots=True)
class Blocklist:
    """Words, patterns or names of the site, matched by `apps.safety.policy.blocklist_matcher`."""

    key: str
    name: str
    owner: int  # id of the user who is responsible for it
    code: str  # of its clause
    kind: str  # WORDS, PATTERNS or NAMES
    entries: tuple[str, ...]
    action: Action
    stages: frozenset[Stage]
    expires: date | None  # the last day on which it matches
    note: str

    def has_expired(self, today: date) -> bool:
        return self.expires is not None and self.expires < today


@dataclass(frozen=True, slots=True)
class Policy:
    """Parsed policy: clauses by code, blocklists by key. `number` 0: not stored."""

    number: int
    sha256: str
    clauses: Mapping[str, Clause]
    blocklists: Mapping[str, Blocklist] = field(default_factory=dict)

    def clause(self, code: str) -> Clause | None:
        return self.clauses.get(code)


# Codes that rules and classifiers use. Every policy must have a clause for each, except for later ones.
CLAUSE_CODES = (
    "child_exploitation",
    "weapons",
    "violence",
    "self_harm",
    "hate",
    "harassment",
    "sexual",
    "crime",
    "drugs",
    "malware",
    "prompt_attack",
    "exfil",
    "personal_data",
    "secrets",
    "sex_crime",
    "defamation",
    "intellectual_property",
    "advice",
    "impersonation",
    "prompt_leak",
)
# Codes that older versions may lack, each with the clause that applies instead, if any.
LATER_CLAUSES = {"sex_crime": "crime", "defamation": "", "intellectual_property": "", "advice": "", "impersonation": "",
         "prompt_leak": ""}  # fmt: skip


# As in `defaults.py`: the system prompt is withheld also under versions without this clause.
PROMPT_LEAK_CLAUSE = Clause(
    "prompt_leak", "Leak of the system prompt", "Confidential instructions of the assistant are never shown or sent.",
    2, FailureMode.OPEN, Action.WITHHOLD, {},
)  # fmt: skip

WORDS, PATTERNS, NAMES = "words", "patterns", "names"  # the kinds of a list

REDACTED_CLAUSES = frozenset({"personal_data", "secrets"})  # clauses whose findings have spans in a text
# Never used for training, and shown only to users named for sealed cases.
SEALED_CLAUSES = frozenset({"child_exploitation"})


def is_applicable(action: Action, code: str, stage: Stage | None) -> bool:
    """Return whether the action is possible for the clause at the stage. `stage` None: as the action of a rule."""
    if action is Action.BLUR:
        return stage is Stage.PICTURE
    if action is Action.REDACT:
        return stage in (None, Stage.ANSWER) and code in REDACTED_CLAUSES
    return True


def parse_policy(body: Mapping[str, Any], number: int = 0) -> Policy:
    """Return the policy of the JSON body. Raise PolicyError if anything is missing, unknown, duplicate or out of order.

    Clauses that were introduced later are filled in. `number` is the version number; 0: not stored.
    """
    rows = body.get("clauses") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not rows:
        raise PolicyError(gettext("The policy has no clauses."))
    clauses: dict[str, Clause] = {}
    for row in rows:
        clause = _clause(row)
        if clause.code in clauses:
            raise PolicyError(gettext("The policy has the clause %(code)s twice.") % {"code": clause.code})
        clauses[clause.code] = clause
    for code in LATER_CLAUSES.keys() - clauses.keys():
        if (earlier := clauses.get(LATER_CLAUSES[code])) is not None:
            clauses[code] = replace(earlier, code=code)
    clauses.setdefault(PROMPT_LEAK_CLAUSE.code, PROMPT_LEAK_CLAUSE)
    if missing := [code for code in CLAUSE_CODES if code not in clauses and code not in LATER_CLAUSES]:
        raise PolicyError(gettext("The policy lacks these clauses: %(join)s.") % {"join": ", ".join(missing)})
    return Policy(number, hash_policy(body), clauses, _lists(body.get("lists", [])))


def hash_policy(body: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the body in canonical JSON."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _lists(rows: object) -> dict[str, Blocklist]:
    blocklists: dict[str, Blocklist] = {}
    for row in rows if isinstance(rows, list) else [None]:
        try:
            blocklist = _list(row)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise PolicyError(
                gettext("A blocklist of the policy is not valid: %(error)s.") % {"error": error}
            ) from error
        if blocklist.key in blocklists:
            raise PolicyError(gettext("The policy has the blocklist %(name)s twice.") % {"name": blocklist.name})
        if blocklist.action in (Action.BLUR, Action.REDACT):
            raise PolicyError(
                gettext("The blocklist %(name)s cannot blur or redact. Choose another action.")
                % {"name": blocklist.name}
            )
        if (
            not blocklist.name
            or not blocklist.entries
            or blocklist.code not in CLAUSE_CODES
            or blocklist.kind not in (WORDS, PATTERNS, NAMES)
        ):
            raise PolicyError(
                gettext("The blocklist %(name)s needs a name, a clause and entries.") % {"name": blocklist.name}
            )
        blocklists[blocklist.key] = blocklist
    return blocklists


def _list(row: Any) -> Blocklist:
    entries = tuple(dict.fromkeys(text for entry in row["entries"] if (text := str(entry).strip())))
    return Blocklist(
        str(row["key"]), str(row["name"]).strip()[:80], int(row["owner"]), str(row["code"]), str(row["kind"]), entries,
        Action(row["action"]), frozenset(Stage(stage) for stage in row["stages"]),
        date.fromisoformat(row["expires"]) if row.get("expires") else None, str(row.get("note", ""))[:400],
    )  # fmt: skip


def _clause(row: object) -> Clause:
    if not isinstance(row, dict):
        raise PolicyError(gettext("A clause has to be an object."))
    code = str(row.get("code", ""))
    if code not in CLAUSE_CODES:
        raise PolicyError(gettext("No detector knows the code %(code)s.") % {"code": repr(code)})
    if not str(row.get("title", "")).strip() or not str(row.get("text", "")).strip():
        raise PolicyError(gettext("The clause %(code)s needs a title and a text.") % {"code": code})
    severity = row.get("severity")
    if not isinstance(severity, int) or isinstance(severity, bool) or not 0 <= severity <= 4:
        raise PolicyError(gettext("The severity of %(code)s has to be a whole number from 0 to 4.") % {"code": code})
    try:
        failure_mode, rule_action = FailureMode(str(row.get("fail"))), Action(str(row.get("rule")))
    except ValueError as error:
        raise PolicyError(
            gettext("The clause %(code)s is not valid: %(error)s.") % {"code": code, "error": error}
        ) from error
    thresholds = _steps(code, row.get("steps", {}))
    actions = [
        (rule_action, None),
        *((threshold.action, stage) for stage, rows in thresholds.items() for threshold in rows),
    ]
    if inapplicable := [action for action, stage in actions if not is_applicable(action, code, stage)]:
        message = gettext(
            "The clause %(code)s cannot use the action “%(action)s” there: only pictures can be blurred, and "
            "only answers redacted."
        )
        raise PolicyError(message % {"code": code, "action": inapplicable[0]})
    title, text = (FORMER_WORDING.get(words, words) for words in (str(row["title"]), str(row["text"])))
    return Clause(code, title, text, severity, failure_mode, rule_action, thresholds)


def _steps(code: str, rows_by_stage: object) -> dict[Stage, tuple[Threshold, ...]]:
    if not isinstance(rows_by_stage, dict):
        raise PolicyError(
            gettext("The thresholds of %(code)s have to be an object with one list per stage.") % {"code": code}
        )
    thresholds: dict[Stage, tuple[Threshold, ...]] = {}
    for name, rows in rows_by_stage.items():
        try:
            parsed = tuple(Threshold(float(row["least"]), Action(row["action"])) for row in rows)
            thresholds[Stage(name)] = parsed
        except (ValueError, TypeError, KeyError) as error:
            message = gettext("The thresholds of %(code)s at %(name)s are not valid: %(error)s.")
            raise PolicyError(message % {"code": code, "name": repr(name), "error": error}) from error
        if not all(0 < threshold.min_score <= 1 for threshold in parsed):
            raise PolicyError(
                gettext("A threshold of %(code)s at %(name)s is not between 0 and 1.") % {"code": code, "name": name}
            )
        if any(
            a.min_score >= b.min_score or ACTION_ORDER.index(a.action) >= ACTION_ORDER.index(b.action)
            for a, b in pairwise(parsed)
        ):
            raise PolicyError(
                gettext("The thresholds of %(code)s at %(name)s must get stricter as the score rises.")
                % {"code": code, "name": name}
            )
    return thresholds
