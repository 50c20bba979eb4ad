"""What administrators do with lists of their own: tried over what was decided, then kept in a draft of the policy."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext

from apps.lib.ids import new_id
from apps.safety import audit, hits, listed, policies, review, separation
from apps.safety.everyday import SENTENCES
from apps.safety.figures import HARMFUL, Share
from apps.safety.folding import ACCOUNT
from apps.safety.intake import folded, normalise
from apps.safety.models import Case, Decision, PolicyVersion
from apps.safety.policy import OwnList, PolicyError, Stage, read
from apps.users.models import User

TRIED = 5000  # of the latest decided texts
SHOWN = 20  # cases that are named


@dataclass(frozen=True, slots=True)
class Tried:
    """What a list would have matched; texts are counted, never shown."""

    decided: int
    harmful: Share  # of the matched
    entries: list[tuple[str, int]]  # those that matched most
    cases: list[Case]
    everyday: Share
    ms: float  # for a sentence


@dataclass(frozen=True, slots=True)
class Row:
    """A list as the page shows it."""

    own: OwnList
    owner: str
    days: list[tuple[date, int]]
    last: hits.Hit | None
    ended: bool
    draft: PolicyVersion | None  # where it is not in force yet

    @property
    def total(self) -> int:
        return sum(count for _, count in self.days)


def rows(days: int) -> list[Row]:
    """The lists in force, then those of open drafts that differ from them."""
    live = policies.live()
    now = read(live.body).lists
    found: list[tuple[OwnList, PolicyVersion | None]] = [(own, None) for own in now.values()]
    for draft in PolicyVersion.objects.filter(status__in=["draft", "shadow"], number__gt=live.number):
        found += [(own, draft) for key, own in read(draft.body).lists.items() if now.get(key) != own]
    names = {user.pk: str(user) for user in User.objects.filter(pk__in=[own.owner for own, _ in found])}
    today = timezone.now().date()
    return [
        Row(own, names.get(own.owner, gettext("somebody who is gone")), hits.by_day(own.key, days), hits.last(own.key),
            own.ended(today), draft)
        for own, draft in found
    ]  # fmt: skip


def base(user: User) -> PolicyVersion:
    """What a change begins with: this person's last open draft, else the version in force."""
    live = policies.live()
    mine = PolicyVersion.objects.filter(author=user, status="draft", number__gt=live.number)
    return mine.order_by("-number").first() or live


def find(user: User, key: str) -> OwnList | None:
    return read(base(user).body).lists.get(key)


def made(row: dict[str, Any]) -> OwnList:
    """Read as the policy reads it, and checked. Raises PolicyError in words."""
    found = read({**policies.live().body, "lists": [row]}).lists[row["key"]]
    listed.check([found])
    return found


def keep(user: User, row: dict[str, Any]) -> PolicyVersion:
    """A draft of the policy holds the list, new or changed. Raises PolicyError in words, and Refused."""
    separation.require_administrator(user)
    made(row)
    return _draft(user, row["key"], row, "list.changed")


def remove(user: User, key: str) -> PolicyVersion:
    """A draft of the policy is without it. Raises PolicyError in words, and Refused."""
    separation.require_administrator(user)
    return _draft(user, key, None, "list.removed")


def new_key() -> str:
    return f"list-{new_id().hex[-12:]}"


def tried(user: User, own: OwnList) -> Tried:
    """Over the latest texts that people decided about, never of the person's own cases."""
    matcher, last = listed.Matcher([own]), _decided(user)
    entries: Counter[str] = Counter()
    cases, harmful = [], 0
    for decision in last:
        shot = decision.case.snapshot
        found = matcher.found(shot.words, today=date.min, stage=Stage(shot.stage))
        if not found:
            continue
        harmful += decision.outcome in HARMFUL
        entries.update(one.entry for one in found)
        cases.append(decision.case)
    everyday = sum(1 for text in SENTENCES if matcher.found(folded(text), today=date.min))
    return Tried(
        len(last), Share(harmful, len(cases)), entries.most_common(10), cases[:SHOWN],
        Share(everyday, len(SENTENCES)), listed.cost_ms(matcher),
    )  # fmt: skip


def matching(own: OwnList, text: str) -> list[str]:
    """The entries that stand in one text that somebody typed to try the list."""
    clean = normalise(text[:20_000])
    each = (listed.Matcher([_alone(own, entry)]).found(clean, today=date.min) for entry in own.entries)
    return [found[0].entry for found in each if found]


def _alone(own: OwnList, entry: str) -> OwnList:
    return OwnList(
        own.key, own.name, own.owner, own.code, own.kind, (entry,), own.action, own.stages, own.expires, own.note
    )


def _draft(user: User, key: str, row: dict[str, Any] | None, kind: str) -> PolicyVersion:
    body = copy.deepcopy(base(user).body)
    before = next((old for old in body.get("lists", []) if old["key"] == key), None)
    if row is None and before is None:
        raise PolicyError(gettext("There is no such list."))
    kept = [old for old in body.get("lists", []) if old["key"] != key]
    body["lists"] = [*kept, row] if row is not None else kept
    name = (row or before or {})["name"]
    draft = policies.draft(user, body, gettext("List: %(name)s") % {"name": name})
    facts = {"name": name, "entries": len((row or before or {})["entries"]), "policy": draft.sha256}
    audit.record(kind, actor=user, subject=f"list {key}", **facts)
    return draft


def _decided(user: User) -> list[Decision]:
    rows = (
        Decision.objects.filter(undone=None, case__in=review.queue(user))
        .exclude(case__snapshot__text="")
        .exclude(clause=ACCOUNT)
    )
    last: dict[Any, Decision] = {}
    for row in rows.select_related("case__snapshot").order_by("-created")[:TRIED]:
        last.setdefault(row.case_id, row)
    return list(last.values())
