"""Edit blocklists in drafts of the policy, and try them on decided texts.

Nothing takes effect here; a draft goes live by `policy.versions.approve_version`.
"""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from apps.lib.ids import new_id
from apps.lib.proportions import Proportion
from apps.safety.audit_log import audit
from apps.safety.detectors import blocklists
from apps.safety.models import HARMFUL_OUTCOMES, BlocklistHit, Case, Decision, PolicyVersion
from apps.safety.moderation import cases
from apps.safety.policy import blocklist_matcher, separation_of_duties, versions
from apps.safety.policy.benign_sentences import BENIGN_SENTENCES
from apps.safety.policy.evaluation import ACCOUNT
from apps.safety.policy.schema import Blocklist, PolicyError, Stage, parse_policy
from apps.safety.text.normalization import fold_for_detection, normalise
from apps.users.models import User

MAX_TRIED_TEXTS = 5000  # latest decided texts that a list is tried on
MAX_SHOWN_CASES = 20  # cases that are listed


@dataclass(frozen=True, slots=True)
class DryRunResult:
    """Matches of a blocklist on decided texts. Texts are counted, never shown."""

    decided: int
    harmful: Proportion  # share of harmful texts among the matched
    entries: list[tuple[str, int]]  # entries with most matches
    cases: list[Case]
    benign: Proportion
    ms_per_sentence: float  # per sentence


@dataclass(frozen=True, slots=True)
class BlocklistRow:
    """Row of the page of blocklists."""

    blocklist: Blocklist
    owner: str
    hits_per_day: list[tuple[date, int]]
    last_hit: BlocklistHit | None
    has_expired: bool
    draft: PolicyVersion | None  # the draft with this list; None if it is live

    @property
    def total(self) -> int:
        return sum(count for _, count in self.hits_per_day)


def list_blocklists(days: int) -> list[BlocklistRow]:
    """Return the live blocklists, then those of open drafts that differ. Hits cover the last `days` days."""
    live = versions.get_live_version()
    live_lists = parse_policy(live.body).blocklists
    listed: list[tuple[Blocklist, PolicyVersion | None]] = [(blocklist, None) for blocklist in live_lists.values()]
    for draft in PolicyVersion.objects.filter(status__in=["draft", "shadow"], number__gt=live.number):
        listed += [
            (blocklist, draft)
            for key, blocklist in parse_policy(draft.body).blocklists.items()
            if live_lists.get(key) != blocklist
        ]
    names = {user.pk: str(user) for user in User.objects.filter(pk__in=[blocklist.owner for blocklist, _ in listed])}
    today = timezone.now().date()
    return [
        BlocklistRow(
            blocklist,
            names.get(blocklist.owner, gettext("deleted user")),
            blocklists.count_by_day(blocklist.key, days),
            blocklists.find_last_hit(blocklist.key),
            blocklist.has_expired(today),
            draft,
        )
        for blocklist, draft in listed
    ]


def find_blocklist(user: User, key: str) -> Blocklist | None:
    """Return the blocklist in the user's base version; None if there is none."""
    return parse_policy(versions.get_draft_base(user).body).blocklists.get(key)


def parse_blocklist(row: dict[str, Any]) -> Blocklist:
    """Return the parsed and validated blocklist. Raise PolicyError with a message for users."""
    blocklist = parse_policy({**versions.get_live_version().body, "lists": [row]}).blocklists[row["key"]]
    blocklist_matcher.validate_blocklists([blocklist])
    return blocklist


def save_blocklist(user: User, row: dict[str, Any]) -> PolicyVersion:
    """Store a draft of the policy with the new or changed blocklist and return it.

    Administrators only. The draft and the audit entries `policy.drafted` and `list.changed` are one transaction. Raise
    ActionRefused for other users, PolicyError with a message for users if the list is invalid.
    """
    separation_of_duties.require_administrator(user)
    parse_blocklist(row)
    return _draft(user, row["key"], row, "list.changed")


def remove_blocklist(user: User, key: str) -> PolicyVersion:
    """Store a draft of the policy without the blocklist and return it.

    Administrators only. The draft and the audit entries `policy.drafted` and `list.removed` are one transaction. Raise
    ActionRefused for other users, PolicyError if there is no such list.
    """
    separation_of_duties.require_administrator(user)
    return _draft(user, key, None, "list.removed")


def make_key() -> str:
    """Return a new unique key for a blocklist."""
    return f"list-{new_id().hex[-12:]}"


def run_dry_run(user: User, blocklist: Blocklist) -> DryRunResult:
    """Match the list against up to 5000 latest decided texts and the everyday sentences.

    Only cases that the user may see. The list's end is ignored.
    """
    matcher, decisions = blocklist_matcher.BlocklistMatcher([blocklist]), _decided_texts(user)
    entries: Counter[str] = Counter()
    cases, harmful = [], 0
    for decision in decisions:
        snapshot = decision.case.snapshot
        matches = matcher.find_matches(snapshot.readable_text, today=date.min, stage=Stage(snapshot.stage))
        if not matches:
            continue
        harmful += decision.outcome in HARMFUL_OUTCOMES
        entries.update(match.entry for match in matches)
        cases.append(decision.case)
    everyday = sum(1 for text in BENIGN_SENTENCES if matcher.find_matches(fold_for_detection(text), today=date.min))
    return DryRunResult(
        len(decisions), Proportion(harmful, len(cases)), entries.most_common(10), cases[:MAX_SHOWN_CASES],
        Proportion(everyday, len(BENIGN_SENTENCES)), blocklist_matcher.measure_cost_ms(matcher),
    )  # fmt: skip


def find_matching_entries(blocklist: Blocklist, text: str) -> list[str]:
    """Return the entries that match a text which the user typed, cut to 20,000 characters.

    The list's end is ignored.
    """
    normalised = normalise(text[:20_000])
    single_entries = (replace(blocklist, entries=(entry,)) for entry in blocklist.entries)
    matchers = (blocklist_matcher.BlocklistMatcher([single]) for single in single_entries)
    return [match.entry for matcher in matchers for match in matcher.find_matches(normalised, today=date.min)]


def _draft(user: User, key: str, row: dict[str, Any] | None, kind: str) -> PolicyVersion:
    body = copy.deepcopy(versions.get_draft_base(user).body)
    before = next((old for old in body.get("lists", []) if old["key"] == key), None)
    if row is None and before is None:
        raise PolicyError(gettext("Blocklist not found."))
    others = [old for old in body.get("lists", []) if old["key"] != key]
    body["lists"] = [*others, row] if row is not None else others
    name = (row or before or {})["name"]
    with transaction.atomic():
        draft = versions.create_draft(user, body, gettext("Blocklist: %(name)s") % {"name": name})
        payload = {"name": name, "entries": len((row or before or {})["entries"]), "policy": draft.sha256}
        audit.record_event(kind, actor=user, subject=f"list {key}", **payload)
    return draft


def _decided_texts(user: User) -> list[Decision]:
    rows = (
        Decision.objects.filter(undone=None, case__in=cases.visible_cases(user))
        .exclude(case__snapshot__text="")
        .exclude(clause=ACCOUNT)
    )
    last_decisions: dict[Any, Decision] = {}
    for row in rows.select_related("case__snapshot").order_by("-created")[:MAX_TRIED_TEXTS]:
        last_decisions.setdefault(row.case_id, row)
    return list(last_decisions.values())
