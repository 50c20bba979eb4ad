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
    keys = [*new.blocklists, *(key for key in old.blocklists if key not in new.blocklists)]
    titled = [
        *((_clause_title(code, new), list(_compare_clauses(old.clause(code), new.clause(code)))) for code in codes),
        *(_compare_lists(old.blocklists.get(key), new.blocklists.get(key)) for key in keys),
    ]
    return [VersionDifference(title, changes) for title, changes in titled if changes]


def fail_label(mode: FailureMode) -> str:
    """Return what happens under a clause if a check gives no result."""
    if mode is FailureMode.CLOSED:
        return gettext("Everything is withheld")
    return gettext("Allowed, labelled as not checked")


def _clause_title(code: str, new: Policy) -> str:
    clause = new.clause(code)
    return translate_stored(clause.title) if clause else clause_label(code)


def _compare_clauses(old: Clause | None, new: Clause | None) -> Iterator[ValueChange]:
    if old is None or new is None:
        words = [gettext("Clause of the policy") if one else "" for one in (old, new)]
        yield ValueChange(gettext("Clause"), words[0], words[1])
        return
    pairs = [
        (gettext("Title"), translate_stored(old.title), translate_stored(new.title)),
        (gettext("Text"), translate_stored(old.text), translate_stored(new.text)),
        (gettext("Severity"), severity_label(old.severity), severity_label(new.severity)),
        (gettext("If a rule matches"), action_label(old.rule_action), action_label(new.rule_action)),
        (gettext("If a check fails"), fail_label(old.failure_mode), fail_label(new.failure_mode)),
    ]
    yield from (ValueChange(*pair) for pair in pairs if pair[1] != pair[2])
    for stage in dict.fromkeys([*old.thresholds, *new.thresholds]):
        yield from _compare_thresholds(stage_label(stage), old.thresholds.get(stage, ()), new.thresholds.get(stage, ()))


def _compare_thresholds(stage: str, old: Sequence[Threshold], new: Sequence[Threshold]) -> Iterator[ValueChange]:
    """Yield moved thresholds by their action, then changed actions by their threshold, then new and removed ones."""
    before, after = (
        {threshold.action: threshold.min_score for threshold in old},
        {threshold.action: threshold.min_score for threshold in new},
    )
    removed = {score: action for action, score in before.items() if action not in after}
    for action, score in after.items():
        label = f"{stage}: {action_label(action)}"
        if action in before:
            if before[action] != score:
                yield ValueChange(label, _from(before[action]), _from(score))
        elif score in removed:
            yield ValueChange(f"{stage}, {_from(score)}", action_label(removed.pop(score)), action_label(action))
        else:
            yield ValueChange(label, "", _from(score))
    for score, action in removed.items():
        yield ValueChange(f"{stage}: {action_label(action)}", _from(score), "")


def _from(score: float) -> str:
    return gettext("at a score of %(score)s or more") % {"score": score_label(score)}


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


def _stages(blocklist: Blocklist) -> str:
    return ", ".join(sorted(stage_label(stage) for stage in blocklist.stages))
