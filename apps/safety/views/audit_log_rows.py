"""Describe audit entries in words: event, actor, subject and details."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy

from apps.safety import code_labels
from apps.safety.models import AuditEntry, Case, Decision
from apps.users.consents import Consent
from apps.users.models import User

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

EVENT_LABELS: code_labels.CodeLabels = {
    "read": gettext_lazy("Read what somebody wrote"),
    "case.opened": gettext_lazy("A case was opened"),
    "case.claimed": gettext_lazy("Claimed a case"),
    "case.release": gettext_lazy("Put a case back"),
    "case.skip": gettext_lazy("Skipped a case"),
    "case.escalate": gettext_lazy("Escalated a case"),
    "case.decided": gettext_lazy("Decided a case"),
    "case.undone": gettext_lazy("Took a decision back"),
    "case.reopened": gettext_lazy("Opened a disputed case again"),
    "case.second": gettext_lazy("Asked for a second opinion"),
    "case.expired": gettext_lazy("A claim ran out"),
    "case.lapsed": gettext_lazy("A hold ended by itself"),
    "case.emptied": gettext_lazy("The frozen text of a case went after its time"),
    "case.hold_set": gettext_lazy("Put a case under a legal hold"),
    "case.hold_lifted": gettext_lazy("Lifted the legal hold of a case"),
    "case.vanished": gettext_lazy("A case was closed, because nothing was left to decide"),
    "case.appealed": gettext_lazy("Appealed against a decision"),
    "glass.asked": gettext_lazy("Asked for break-glass"),
    "glass.opened": gettext_lazy("Opened a conversation in an emergency"),
    "glass.approved": gettext_lazy("Approved break-glass"),
    "glass.refused": gettext_lazy("Refused break-glass"),
    "glass.judged": gettext_lazy("Judged an emergency afterwards"),
    "glass.ended": gettext_lazy("Ended break-glass, or took it back"),
    "glass.expired": gettext_lazy("Break-glass ended in time"),
    "glass.lapsed": gettext_lazy("Nobody answered a request for break-glass"),
    "effect.applied": gettext_lazy("An effect was applied"),
    "effect.reverted": gettext_lazy("An effect was reverted"),
    "batch.gathered": gettext_lazy("Gathered cases that are alike"),
    "batch.decided": gettext_lazy("Decided cases together"),
    "batch.undone": gettext_lazy("Took decisions back together"),
    "opinion.given": gettext_lazy("Gave a second look"),
    "audit.given": gettext_lazy("Judged a random check"),
    "gold.kept": gettext_lazy("Kept a known answer"),
    "malware.refused": gettext_lazy("Refused a file with malicious software"),
    "policy.drafted": gettext_lazy("Drafted a policy"),
    "policy.replayed": gettext_lazy("Replayed a policy"),
    "policy.shadow": gettext_lazy("Let a policy run in the shadow"),
    "policy.unshadowed": gettext_lazy("Ended the shadow of a policy"),
    "policy.partial": gettext_lazy("A policy went live for some people"),
    "policy.withdrawn": gettext_lazy("A policy that was live for some people was withdrawn"),
    "suspension.ended": gettext_lazy("A suspension ended in time"),
    "policy.discarded": gettext_lazy("Discarded a draft of the policy"),
    "policy.live": gettext_lazy("A policy went live"),
    "snapshots.key": gettext_lazy("Frozen texts have a new key"),
    "detector.changed": gettext_lazy("A detector has another version"),
    "list.changed": gettext_lazy("Drafted a list"),
    "list.removed": gettext_lazy("Drafted a policy without a list"),
    "consent.given": gettext_lazy("Gave a consent"),
    "consent.withdrawn": gettext_lazy("Took a consent back"),
    "keeping.changed": gettext_lazy("Changed how long things are kept"),
    "hold.set": gettext_lazy("Set a legal hold"),
    "hold.lifted": gettext_lazy("Lifted a legal hold"),
    "person.invited": gettext_lazy("Made an invitation"),
    "person.not_invited": gettext_lazy("Revoked an invitation"),
    "person.joined": gettext_lazy("Signed up"),
    "person.rescued": gettext_lazy("Let an administrator back in"),
    "person.named_for_break_glass": gettext_lazy("Named a person for break-glass"),
    "person.not_named_for_break_glass": gettext_lazy("Named a person no longer for break-glass"),
    "person.named_for_sealed": gettext_lazy("Named a person for sealed cases"),
    "person.not_named_for_sealed": gettext_lazy("Named a person no longer for sealed cases"),
    "person.role": gettext_lazy("Changed a person's role"),
    "person.suspended": gettext_lazy("A person was suspended"),
    "person.reinstated": gettext_lazy("A person was reinstated"),
    "person.confirmed": gettext_lazy("Vouched for a person's address"),
    "group.created": gettext_lazy("Made a group"),
    "group.renamed": gettext_lazy("Renamed a group"),
    "group.deleted": gettext_lazy("Deleted a group"),
    "group.joined": gettext_lazy("Added a person to a group"),
    "group.left": gettext_lazy("Took a person out of a group"),
    "log.signed": gettext_lazy("Entries are signed by a key from here on"),
    "log.key": gettext_lazy("Entries are signed by another key from here on"),
    "log.guarded": gettext_lazy("Triggers that guard the log were put back"),
    "log.restored": gettext_lazy("The database was restored from a backup"),
    "log.exported": gettext_lazy("Exported the audit log"),
    "limit.changed": gettext_lazy("Changed a limit"),
    "settings.changed": gettext_lazy("Changed a setting"),
    "person.asked_for_erasure": gettext_lazy("Asked for their data to be erased"),
    "person.erased": gettext_lazy("A person's data was erased"),
    "person.receipt": gettext_lazy("A receipt of erasure was written"),
}
FILTERS: dict[str, tuple[StrOrPromise, Q]] = {
    "": (gettext_lazy("Everything"), Q()),
    "readings": (gettext_lazy("Readings"), Q(kind="read")),
    "glass": (gettext_lazy("Break-glass"), Q(kind__startswith="glass.") | Q(subject__startswith="glass ")),
    "cases": (gettext_lazy("Cases"), Q(kind__regex=r"^(case|effect|batch)\.")),
    "looks": (gettext_lazy("Second looks"), Q(kind__regex=r"^(opinion|audit|gold)\.")),
    "policy": (gettext_lazy("Policy"), Q(kind__regex=r"^(policy|list|detector)\.")),
    "people": (gettext_lazy("People"), Q(kind__regex=r"^(person|suspension|group|consent|hold|keeping|record)\.")),
    "settings": (gettext_lazy("Settings"), Q(kind__regex=r"^(settings|limit|log)\.")),
}
_SUBJECTS: code_labels.CodeLabels = {
    "case": gettext_lazy("Case"),
    "batch": gettext_lazy("Cases together"),
    "opinion": gettext_lazy("Second look"),
    "audit": gettext_lazy("Random check"),
    "feedback": gettext_lazy("Feedback"),
    "glass": gettext_lazy("Break-glass"),
    "person": gettext_lazy("Person"),
    "invitation": gettext_lazy("Invitation"),
    "group": gettext_lazy("Group"),
    "limit": gettext_lazy("Limit"),
    "settings": gettext_lazy("Settings"),
    "receipt": gettext_lazy("Receipt"),
    "Policy": gettext_lazy("Policy"),
    "list": gettext_lazy("List"),
    "detector": gettext_lazy("Detector"),
}
_HOW: code_labels.CodeLabels = {
    "invitation": gettext_lazy("by an invitation"), "open": gettext_lazy("sign-up is open"),
    "setup": gettext_lazy("at the set-up"), "machine": gettext_lazy("by a command on the server"),
}  # fmt: skip
_KEYS: code_labels.CodeLabels = {
    "clause": gettext_lazy("Clause"), "thing": gettext_lazy("Kind"), "outcome": gettext_lazy("Outcome"),
    "reason": gettext_lazy("Why"), "why": gettext_lazy("Why"), "effect": gettext_lazy("Effect"),
    "policy": gettext_lazy("Policy"), "sha256": gettext_lazy("Fingerprint"), "judged": gettext_lazy("Judged anew"),
    "changed": gettext_lazy("Verdicts that differ"), "harmful": gettext_lazy("Harmful"),
    "cases": gettext_lazy("Cases"), "decided": gettext_lazy("Decided"), "missed": gettext_lazy("Not decided"),
    "days": gettext_lazy("Days"), "name": gettext_lazy("Name"), "entries": gettext_lazy("Entries"),
    "before": gettext_lazy("Before"), "after": gettext_lazy("After"), "consent": gettext_lazy("Consent"),
    "texts": gettext_lazy("Texts"), "how": gettext_lazy("How"), "ground": gettext_lazy("Ground"),
    "justified": gettext_lazy("Justified"),
    "share": gettext_lazy("People in a hundred"), "delayed": gettext_lazy("Its person is told from"),
    "lost": gettext_lazy("The earlier key is lost"), "triggers": gettext_lazy("Triggers"),
    "made": gettext_lazy("Backup of"), "until": gettext_lazy("Until"), "self_approved": gettext_lazy("Self-approved"),
}  # fmt: skip
_UUID_CHARACTERS = 36  # only the last 8 of a UUID are shown


@dataclass(frozen=True, slots=True)
class AuditLogRow:
    """Audit entry as shown on the page."""

    number: int
    at: datetime
    words: str
    who: str  # "" for the product itself
    person: str  # pseudonym of the user concerned; "" if there is none
    subject: str
    address: str  # URL of the case; "" for other subjects
    details: list[tuple[str, str]]


def make_rows(rows: Iterable[AuditEntry]) -> list[AuditLogRow]:
    """Return the entries as rows, in order. One query for the names of actors."""
    rows = list(rows)
    names = {user.pk: str(user) for user in User.objects.filter(pk__in={row.actor for row in rows if row.actor})}
    return [_entry(row, names) for row in rows]


def event_label(kind: str) -> str:
    """Return the translated label of a kind of event."""
    return str(EVENT_LABELS[kind]) if kind in EVENT_LABELS else code_labels.humanize_code(kind)


def _entry(row: AuditEntry, names: Mapping[int, str]) -> AuditLogRow:
    word, _, rest = row.subject.partition(" ")
    short = rest[-8:] if len(rest) == _UUID_CHARACTERS else rest
    subject = f"{_SUBJECTS[word]} {short}".strip() if word in _SUBJECTS else row.subject
    address = reverse("safety:case", args=[rest]) if word == "case" else ""
    who = names.get(row.actor, gettext("somebody who is gone")) if row.actor else ""
    person = Case(owner_id=row.person).pseudonym if row.person else ""
    return AuditLogRow(row.seq, row.at, event_label(row.kind), who, person, subject, address, _details(row.payload))


def _details(payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = [
        (str(_KEYS[key]) if key in _KEYS else code_labels.humanize_code(key), _value(key, payload))
        for key in payload if payload[key] != "" and not (key in ("clause", "thing") and "why" in payload)
    ]  # fmt: skip
    return [(key, value) for key, value in found if value]


def _value(key: str, payload: Mapping[str, Any]) -> str:
    said = payload[key]
    shown: dict[str, Callable[[Any], str]] = {
        "clause": code_labels.clause_label,
        "thing": code_labels.content_type_label,
        "reason": _reason,
        "effect": code_labels.effect_label,
        "why": lambda _said: code_labels.reading_reason(payload),
        "outcome": _outcome,
        "sha256": lambda text: str(text)[:12],
        "policy": lambda text: str(text)[:12],
        "consent": _consent,
        "ground": lambda code: code_labels.ground_label(str(code)),
        "how": lambda code: str(_HOW.get(code, code)),
    }
    if isinstance(said, bool):
        return gettext("yes") if said else gettext("no")
    return shown[key](said) if key in shown else str(said)


def _reason(said: str) -> str:
    """Return the label of a decision's reason code; a break-glass reason is free text and returned as it is."""
    return code_labels.reason_label(said) if said in Decision.Reason.values else said


def _consent(code: str) -> str:
    return str(Consent(code).label) if code in Consent.values else code_labels.humanize_code(code)


def _outcome(code: str) -> str:
    return str(Decision.Outcome(code).label) if code in Decision.Outcome.values else code_labels.humanize_code(code)
