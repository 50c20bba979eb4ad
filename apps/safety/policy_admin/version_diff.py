"""Describe in words what a policy version changes, for the author and the approver."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext

from apps.safety.code_labels import action_label, clause_label, score_label, severity_label, stage_label
from apps.safety.policy.schema import Blocklist, Clause, FailureMode, Policy, Threshold
from apps.users.i18n import translate_stored


@dataclass(frozen=True, slots=True)
class ValueChange:
    """Changed value, in words. `before` is "" for a new value, `after` "" for one that is gone."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class VersionDifference:
    """Changes of a clause or of a blocklist."""

    title: str
    changes: Sequence[ValueChange]


def compare_policies(old: Policy, new: Policy) -> list[VersionDifference]:
    """Return what changes from `old` to `new`: clauses in the order of `new`, then blocklists. `[]` if nothing does."""
    codes = [*new.clauses, *(code for code in old.clauses if code not in new.clauses)]
    keys = [*new.lists, *(key for key in old.lists if key not in new.lists)]
    found = [
        *((_clause_title(code, new), list(_compare_clauses(old.clause(code), new.clause(code)))) for code in codes),
        *(_compare_lists(old.lists.get(key), new.lists.get(key)) for key in keys),
    ]
    return [VersionDifference(title, changes) for title, changes in found if changes]


def fail_label(mode: FailureMode) -> str:
    """Return what happens under a clause if a check gives no result."""
    if mode is FailureMode.CLOSED:
        return gettext("Everything is withheld")
    return gettext("Allowed, labelled as not checked")


def _clause_title(code: str, new: Policy) -> str:
    found = new.clause(code)
    return translate_stored(found.title) if found else clause_label(code)


def _compare_clauses(old: Clause | None, new: Clause | None) -> Iterator[ValueChange]:
    if old is None or new is None:
        words = [gettext("Clause of the policy") if one else "" for one in (old, new)]
        yield ValueChange(gettext("Clause"), words[0], words[1])
        return
    pairs = [
        (gettext("Title"), translate_stored(old.title), translate_stored(new.title)),
        (gettext("Text"), translate_stored(old.text), translate_stored(new.text)),
        (gettext("Severity"), severity_label(old.severity), severity_label(new.severity)),
        (gettext("If a rule matches"), action_label(old.rule), action_label(new.rule)),
        (gettext("If a check fails"), fail_label(old.fail), fail_label(new.fail)),
    ]
    yield from (ValueChange(*pair) for pair in pairs if pair[1] != pair[2])
    for stage in dict.fromkeys([*old.steps, *new.steps]):
        yield from _compare_thresholds(stage_label(stage), old.steps.get(stage, ()), new.steps.get(stage, ()))


def _compare_thresholds(stage: str, old: Sequence[Threshold], new: Sequence[Threshold]) -> Iterator[ValueChange]:
    """Yield moved thresholds by their action, then changed actions by their threshold, then new and removed ones."""
    before, after = {one.action: one.least for one in old}, {one.action: one.least for one in new}
    gone = {least: action for action, least in before.items() if action not in after}
    for action, least in after.items():
        label = f"{stage}: {action_label(action)}"
        if action in before:
            if before[action] != least:
                yield ValueChange(label, _from(before[action]), _from(least))
        elif least in gone:
            yield ValueChange(f"{stage}, {_from(least)}", action_label(gone.pop(least)), action_label(action))
        else:
            yield ValueChange(label, "", _from(least))
    for least, action in gone.items():
        yield ValueChange(f"{stage}: {action_label(action)}", _from(least), "")


def _from(least: float) -> str:
    return gettext("from %(score)s") % {"score": score_label(least)}


def _compare_lists(old: Blocklist | None, new: Blocklist | None) -> tuple[str, list[ValueChange]]:
    title = gettext("List “%(name)s”") % {"name": (new or old).name}  # type: ignore[union-attr]
    if old is None or new is None:
        words = [gettext("%(count)s entries") % {"count": len(one.entries)} if one else "" for one in (old, new)]
        return title, [ValueChange(gettext("List"), words[0], words[1])]
    pairs = [
        (gettext("Name"), old.name, new.name),
        (gettext("Clause"), clause_label(old.code), clause_label(new.code)),
        (gettext("Action"), action_label(old.action), action_label(new.action)),
        (gettext("Stages"), _stages(old), _stages(new)),
        (gettext("Last day"), str(old.expires or "–"), str(new.expires or "–")),
        (gettext("Entries"), ", ".join(e for e in old.entries if e not in new.entries)[:400], ""),
        (gettext("Entries"), "", ", ".join(e for e in new.entries if e not in old.entries)[:400]),
    ]
    changes = [ValueChange(*pair) for pair in pairs if pair[1] != pair[2]]
    if not changes and old != new:
        changes = [ValueChange(gettext("List"), gettext("other details"), gettext("changed"))]
    return title, changes


def _stages(own: Blocklist) -> str:
    return ", ".join(sorted(stage_label(stage) for stage in own.stages))
