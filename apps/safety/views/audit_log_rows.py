"""Describe audit entries in words: event, actor, subject and details."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.apps import apps
from django.contrib.auth.models import Group
from django.db.models import Q
from django.urls import reverse
from django.utils import translation
from django.utils.formats import number_format
from django.utils.translation import gettext, gettext_lazy

from apps.safety import code_labels
from apps.safety.models import AuditEntry, Case, Decision
from apps.safety.policy.evaluation import ACCOUNT
from apps.users import usage_limits
from apps.users.consents import Consent
from apps.users.i18n import lower_label
from apps.users.models import Invitation, UsageLimit, User
from apps.users.models.rate_limit import LimitedResource, LimitScope

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

EVENT_LABELS: code_labels.CodeLabels = {
    "read": gettext_lazy("Content read"),
    "case.opened": gettext_lazy("Case opened"),
    "case.claimed": gettext_lazy("Case claimed"),
    "case.release": gettext_lazy("Case returned to the queue"),
    "case.skip": gettext_lazy("Case skipped"),
    "case.escalate": gettext_lazy("Case escalated"),
    "case.decided": gettext_lazy("Case decided"),
    "case.undone": gettext_lazy("Decision undone"),
    "case.reopened": gettext_lazy("Disputed case reopened"),
    "case.second": gettext_lazy("Second review requested"),
    "case.expired": gettext_lazy("Claim expired"),
    "case.lapsed": gettext_lazy("Hold ended without a decision"),
    "case.emptied": gettext_lazy("Case snapshot deleted by retention"),
    "case.hold_set": gettext_lazy("Legal hold set on a case"),
    "case.hold_lifted": gettext_lazy("Legal hold lifted from a case"),
    "case.vanished": gettext_lazy("Case closed, nothing left to decide"),
    "case.appealed": gettext_lazy("Decision appealed"),
    "break_glass.requested": gettext_lazy("Emergency access requested"),
    "break_glass.opened": gettext_lazy("Conversation opened in an emergency"),
    "break_glass.approved": gettext_lazy("Emergency access approved"),
    "break_glass.declined": gettext_lazy("Emergency access declined"),
    "break_glass.reviewed": gettext_lazy("Emergency reviewed"),
    "break_glass.ended": gettext_lazy("Emergency access ended or request withdrawn"),
    "break_glass.expired": gettext_lazy("Emergency access expired"),
    "break_glass.lapsed": gettext_lazy("Emergency request expired without an answer"),
    "effect.applied": gettext_lazy("Decision carried out"),
    "effect.reverted": gettext_lazy("Decision reversed"),
    "batch.gathered": gettext_lazy("Similar cases selected"),
    "batch.decided": gettext_lazy("Cases decided in bulk"),
    "batch.undone": gettext_lazy("Bulk decision undone"),
    "opinion.given": gettext_lazy("Second review given"),
    "audit.given": gettext_lazy("Random check reviewed"),
    "gold.kept": gettext_lazy("Known answer saved"),
    "malware.refused": gettext_lazy("File with malicious software rejected"),
    "policy.drafted": gettext_lazy("Policy drafted"),
    "policy.replayed": gettext_lazy("Policy tested on past verdicts"),
    "policy.shadow": gettext_lazy("Shadow mode started"),
    "policy.unshadowed": gettext_lazy("Shadow mode stopped"),
    "policy.partial": gettext_lazy("Policy activated for some users"),
    "policy.withdrawn": gettext_lazy("Policy withdrawn for some users"),
    "suspension.ended": gettext_lazy("Suspension expired"),
    "policy.discarded": gettext_lazy("Policy draft discarded"),
    "policy.live": gettext_lazy("Policy activated"),
    "snapshots.key": gettext_lazy("Snapshot key rotated"),
    "detector.changed": gettext_lazy("Detector version changed"),
    "list.changed": gettext_lazy("Blocklist drafted"),
    "list.removed": gettext_lazy("Blocklist removal drafted"),
    "consent.given": gettext_lazy("Consent given"),
    "consent.withdrawn": gettext_lazy("Consent withdrawn"),
    "keeping.changed": gettext_lazy("Retention changed"),
    "hold.set": gettext_lazy("Legal hold set"),
    "hold.lifted": gettext_lazy("Legal hold lifted"),
    "person.invited": gettext_lazy("Invitation created"),
    "person.not_invited": gettext_lazy("Invitation revoked"),
    "person.joined": gettext_lazy("User signed up"),
    "person.linked": gettext_lazy("Account linked with the provider"),
    "person.factor_added": gettext_lazy("Second factor added"),
    "person.factor_removed": gettext_lazy("Second factor removed"),
    "person.factors_taken_off": gettext_lazy("Second factor of a user removed by staff"),
    "person.recovery_codes": gettext_lazy("New recovery codes made"),
    "person.recovery_code": gettext_lazy("Signed in with a recovery code"),
    "person.rescued": gettext_lazy("Administrator access restored"),
    "person.named_for_break_glass": gettext_lazy("Emergency permission given"),
    "person.not_named_for_break_glass": gettext_lazy("Emergency permission removed"),
    "person.named_for_sealed": gettext_lazy("Permission for sealed cases given"),
    "person.not_named_for_sealed": gettext_lazy("Permission for sealed cases removed"),
    "person.role": gettext_lazy("Role changed"),
    "person.asked_to_join": gettext_lazy("Account asked for"),
    "person.join_approved": gettext_lazy("Request for an account approved"),
    "person.join_declined": gettext_lazy("Request for an account declined"),
    "person.suspended": gettext_lazy("User suspended"),
    "person.address": gettext_lazy("E-mail address changed"),
    "person.reinstated": gettext_lazy("Suspension lifted"),
    "person.confirmed": gettext_lazy("E-mail address confirmed by staff"),
    "group.created": gettext_lazy("Group created"),
    "group.renamed": gettext_lazy("Group renamed"),
    "group.deleted": gettext_lazy("Group deleted"),
    "group.joined": gettext_lazy("User added to a group"),
    "group.left": gettext_lazy("User removed from a group"),
    "log.signed": gettext_lazy("Signing of entries started"),
    "log.key": gettext_lazy("Signing key changed"),
    "log.guarded": gettext_lazy("Log protection restored"),
    "log.restored": gettext_lazy("Database restored from a backup"),
    "log.exported": gettext_lazy("Audit log exported"),
    "limit.changed": gettext_lazy("Limit changed"),
    "settings.changed": gettext_lazy("Setting changed"),
    "directory.changed": gettext_lazy("Token of the directory changed"),
    "mail.changed": gettext_lazy("Mail server changed"),
    "server.added": gettext_lazy("Model server added"),
    "server.changed": gettext_lazy("Model server changed"),
    "server.removed": gettext_lazy("Model server removed"),
    "model.added": gettext_lazy("Model added"),
    "model.changed": gettext_lazy("Model changed"),
    "model.removed": gettext_lazy("Model removed"),
    "person.asked_for_erasure": gettext_lazy("Erasure requested"),
    "person.handed_over": gettext_lazy("Belongings of a user handed over"),
    "person.erased": gettext_lazy("User data erased"),
    "person.receipt": gettext_lazy("Erasure receipt written"),
}
_FORMER_KINDS = {  # of former releases: today's
    "glass.asked": "break_glass.requested",
    "glass.opened": "break_glass.opened",
    "glass.approved": "break_glass.approved",
    "glass.refused": "break_glass.declined",
    "glass.judged": "break_glass.reviewed",
    "glass.ended": "break_glass.ended",
    "glass.expired": "break_glass.expired",
    "glass.lapsed": "break_glass.lapsed",
}
FILTERS: dict[str, tuple[StrOrPromise, Q]] = {
    "": (gettext_lazy("Everything"), Q()),
    "readings": (gettext_lazy("Content read"), Q(kind="read")),
    "glass": (
        gettext_lazy("Emergency access"),
        Q(kind__regex=r"^(break_)?glass\.") | Q(subject__startswith="glass "),
    ),
    "cases": (gettext_lazy("Cases"), Q(kind__regex=r"^(case|effect|batch)\.")),
    "looks": (gettext_lazy("Second reviews"), Q(kind__regex=r"^(opinion|audit|gold)\.")),
    "policy": (gettext_lazy("Policy"), Q(kind__regex=r"^(policy|list|detector)\.")),
    "people": (gettext_lazy("Users"), Q(kind__regex=r"^(person|suspension|group|consent|hold|keeping|record)\.")),
    "settings": (gettext_lazy("Settings"), Q(kind__regex=r"^(settings|limit|log|server|model|mail|directory)\.")),
}
_SUBJECTS: code_labels.CodeLabels = {
    "case": gettext_lazy("Case"),
    "batch": gettext_lazy("Bulk decision"),
    "opinion": gettext_lazy("Second review"),
    "audit": gettext_lazy("Random check"),
    "feedback": gettext_lazy("Feedback"),
    "glass": gettext_lazy("Emergency access"),
    "person": gettext_lazy("User"),
    "invitation": gettext_lazy("Invitation"),
    "join": gettext_lazy("Request for an account"),
    "group": gettext_lazy("Group"),
    "limit": gettext_lazy("Limit"),
    "settings": gettext_lazy("Settings"),
    "models": gettext_lazy("Models"),
    "receipt": gettext_lazy("Receipt"),
    "Policy": gettext_lazy("Policy"),
    "list": gettext_lazy("List"),
    "detector": gettext_lazy("Detector"),
}
# By name of the field in `settings.changed`: its label on the page of settings, and the model that has its choices.
_SETTINGS: Mapping[str, tuple[StrOrPromise, str]] = {
    "signup": (gettext_lazy("Who can sign up"), "users.SiteSettings"),
    "second_factor": (gettext_lazy("Who needs a second factor"), "users.SiteSettings"),
    "instructions": (gettext_lazy("Instructions for every answer"), "users.SiteSettings"),
    "banner": (gettext_lazy("Banner"), "users.SiteSettings"),
    "signup_domains": (gettext_lazy("Domains"), "users.SiteSettings"),
    "signup_approval": (gettext_lazy("An administrator approves each of them"), "users.SiteSettings"),
    "style": (gettext_lazy("Answer style"), "conversations.Assistant"),
    "shown_sentences": (gettext_lazy("Sentences shown"), "conversations.Assistant"),
}
_HOW: code_labels.CodeLabels = {
    "invitation": gettext_lazy("by invitation"), "open": gettext_lazy("sign-up is open"),
    "domain": gettext_lazy("with an address of an allowed domain"),
    "directory": gettext_lazy("by the directory"),
    "setup": gettext_lazy("during setup"), "machine": gettext_lazy("by a command on the server"),
    "app": gettext_lazy("an app that makes codes"), "passkey": gettext_lazy("a passkey"),
}  # fmt: skip
_KEYS: code_labels.CodeLabels = {
    "clause": gettext_lazy("Clause"), "thing": gettext_lazy("Kind"), "outcome": gettext_lazy("Outcome"),
    "reason": gettext_lazy("Reason"), "why": gettext_lazy("Reason"), "effect": gettext_lazy("Effect"),
    "policy": gettext_lazy("Policy"), "sha256": gettext_lazy("Checksum"), "judged": gettext_lazy("Tested verdicts"),
    "changed": gettext_lazy("Different verdicts"), "harmful": gettext_lazy("Harmful"),
    "cases": gettext_lazy("Cases"), "decided": gettext_lazy("Decided"), "missed": gettext_lazy("Not decided"),
    "days": gettext_lazy("Days"), "name": gettext_lazy("Name"), "entries": gettext_lazy("Entries"),
    "before": gettext_lazy("Before"), "after": gettext_lazy("After"), "consent": gettext_lazy("Consent"),
    "texts": gettext_lazy("Texts"), "how": gettext_lazy("How"), "ground": gettext_lazy("Ground"),
    "justified": gettext_lazy("Justified"),
    "share": gettext_lazy("Percentage of users"), "delayed": gettext_lazy("User told from"),
    "lost": gettext_lazy("Old key lost"), "triggers": gettext_lazy("Database triggers"),
    "made": gettext_lazy("Backup from"), "until": gettext_lazy("Until"),
    "since": gettext_lazy("From"), "about": gettext_lazy("Number of the user"),
    "area": gettext_lazy("Kind of entry"), "who": gettext_lazy("Done by"),
    "self_approved": gettext_lazy("Self-approved"), "to": gettext_lazy("Handed over to"),
    "collections": gettext_lazy("Collections"), "assistants": gettext_lazy("Assistants"),
    "confirmed": gettext_lazy("Address confirmed"),
    "links": gettext_lazy("Shared links"), "model": gettext_lazy("Model"), "shared": gettext_lazy("All together"),
}  # fmt: skip
_RATE = re.compile(r"(\d+) / (\d+)")  # a limit before or after a change
_LONG_NUMBER = re.compile(r"(?<![\w.:-])\d{4,}(?![\w.:-])")  # no part of a date or a name
_SNAPSHOT_TEXTS = ("case__snapshot__text", "case__snapshot__context")  # encrypted
_UUID_CHARACTERS = 36  # only the last 8 of a UUID are shown


@dataclass(frozen=True, slots=True)
class AuditLogRow:
    """Audit entry as shown on the page."""

    number: int
    created: datetime
    event: str
    actor: str  # "" for the product itself
    user: str  # name of the user concerned, a pseudonym without an account; "" if there is none
    user_id: int | None
    subject: str  # "" if it is the user concerned
    url: str  # URL of the case; "" for other subjects
    details: list[tuple[str, str]]


def make_rows(rows: Iterable[AuditEntry]) -> list[AuditLogRow]:
    """Return the entries as rows, in order. One query for the names of users and one for decisions."""
    rows = list(rows)
    users = {pk for row in rows for pk in (row.actor, row.user) if pk}
    names = {user.pk: str(user) for user in User.objects.filter(pk__in=users)}
    decisions, subjects = _find_decisions(rows), _name_subjects(rows)
    return [_entry(row, names, decisions.get(row.seq), subjects) for row in rows]


def format_csv_header() -> str:
    """Return the first line of a CSV file of entries, after the mark by which spreadsheets know UTF-8."""
    columns = (
        gettext("Number"), gettext("Time (UTC)"), gettext("Kind of entry"), gettext("Done by"), gettext("About"),
        gettext("Subject"), gettext("Details"),
    )  # fmt: skip
    return f"\ufeff{','.join(columns)}\r\n"


def format_csv(rows: Iterable[AuditEntry], language: str) -> str:
    """Return the entries as lines of CSV, with names and words as on the page, in the language."""
    lines = io.StringIO()
    writer = csv.writer(lines)
    with translation.override(language):
        for row in make_rows(rows):
            at, details = f"{row.created.astimezone(UTC):%Y-%m-%d %H:%M:%S}", "; ".join(map(": ".join, row.details))
            cells = (row.event, row.actor or gettext("Openbook"), row.user, row.subject, details)
            writer.writerow([row.number, at, *map(_escape_formula, cells)])
    return lines.getvalue()


def event_label(kind: str) -> str:
    """Return the translated label of a kind of event."""
    kind = _FORMER_KINDS.get(kind, kind)
    return str(EVENT_LABELS[kind]) if kind in EVENT_LABELS else code_labels.humanize_code(kind)


def _escape_formula(cell: str) -> str:
    """Return the cell so that no spreadsheet runs it as a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _find_decisions(rows: Iterable[AuditEntry]) -> dict[int, Decision]:
    """Return the decision of each entry `case.decided` by the entry's number."""
    decided = {
        row.seq: (row.created, UUID(row.subject.removeprefix("case "))) for row in rows if row.kind == "case.decided"
    }
    made = Decision.objects.filter(case__in={pk for _, pk in decided.values()}).order_by("created")
    by_case: dict[UUID, list[Decision]] = {}
    for decision in made.select_related("policy", "case__snapshot__policy").defer(*_SNAPSHOT_TEXTS):
        by_case.setdefault(decision.case_id, []).append(decision)
    # An entry is written right after its decision, in one transaction.
    latest = {
        seq: [decision for decision in by_case.get(pk, []) if decision.created <= at]
        for seq, (at, pk) in decided.items()
    }
    return {seq: found[-1] for seq, found in latest.items() if found}


def _name_subjects(rows: Iterable[AuditEntry]) -> dict[str, str]:
    """Return the names of groups and the addresses of invitations that still exist, by subject such as "group 2"."""
    parts = [row.subject.split() for row in rows if row.kind.startswith(("group.", "limit.", "person."))]
    ids = {(kind, number) for kind, *rest in parts for number in rest if number.isdecimal()}
    groups = Group.objects.filter(pk__in=[pk for kind, pk in ids if kind in ("group", "limit")])
    invitations = Invitation.objects.filter(pk__in=[pk for kind, pk in ids if kind == "invitation"]).exclude(email="")
    return {f"group {row.pk}": row.name for row in groups} | {f"invitation {row.pk}": row.email for row in invitations}


def _describe_subject(subject: str, names: Mapping[str, str]) -> str:
    """Return the subject of an entry in words."""
    kind, _, rest = subject.partition(" ")
    if kind == "limit":
        return _describe_limit(rest.split(), names)
    short = names.get(subject) or (rest[-8:] if len(rest) == _UUID_CHARACTERS else rest)
    return f"{_SUBJECTS[kind]} {short}".strip() if kind in _SUBJECTS else subject


def _describe_limit(parts: list[str], names: Mapping[str, str]) -> str:
    """Return the limit that changed, such as "Pictures, group Caretakers". `parts`: scope, group if any, resource."""
    *holder, resource = parts or [""]
    labels = {choice.value: str(choice.label) for choice in (*LimitedResource, *UsageLimit.Figure)}
    label = labels.get(resource, resource)
    if len(holder) == 2:
        name = names.get(f"group {holder[1]}", holder[1])
        return gettext("%(limit)s, group %(name)s") % {"limit": label, "name": name}
    scope = str(LimitScope(holder[0]).label) if holder and holder[0] in LimitScope.values else " ".join(holder)
    return ", ".join(filter(None, (label, lower_label(scope))))


def _entry(
    row: AuditEntry, names: Mapping[int, str], decision: Decision | None, subjects: Mapping[str, str]
) -> AuditLogRow:
    subject_kind, _, rest = row.subject.partition(" ")
    subject = _describe_subject(row.subject, subjects)
    address = reverse("safety:case", args=[rest]) if subject_kind == "case" else ""
    actor = names.get(row.actor, gettext("deleted user")) if row.actor else ""
    user = names.get(row.user) or Case(owner_id=row.user).pseudonym if row.user else ""
    if subject_kind == "person" and rest == str(row.user):
        subject = ""
    details = _details(row.payload) if decision is None else _decision_details(row.payload, decision)
    event = gettext("Titles of conversations listed") if _is_listing(row.payload) else event_label(row.kind)
    if row.kind == "person.suspended" and row.actor and row.actor == row.user:  # nobody suspends themselves otherwise
        event = gettext("Account closed for erasure")
    return AuditLogRow(row.seq, row.created, event, actor, user, row.user, subject, address, details)


def _is_listing(payload: Mapping[str, Any]) -> bool:
    """Return whether break-glass access showed dates and titles of conversations, but no message."""
    return payload.get("why") == "break_glass" and payload.get("texts") == 0


def _decision_details(payload: Mapping[str, Any], decision: Decision) -> list[tuple[str, str]]:
    """Return the details with the policy versions by name, and the reason that an administrator wrote."""
    flagged, decided = decision.case.snapshot.policy, decision.policy
    if decision.clause == ACCOUNT and decision.note:
        payload = {**payload, "reason": decision.note}
    details = _details({key: value for key, value in payload.items() if key != "policy"})
    if flagged is None or flagged == decided:
        return [*details, (str(_KEYS["policy"]), code_labels.version_label(decided))]
    return [
        *details,
        (gettext("Flagged under"), code_labels.version_label(flagged)),
        (gettext("Decided under"), code_labels.version_label(decided)),
    ]


def _details(payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the details of an entry as labels and values in words."""
    if payload.get("name") in _SETTINGS and "after" in payload:
        payload = _name_setting(payload)
    order = {key: at for at, key in enumerate(_KEYS)}  # PostgreSQL returns keys of JSON in an order of its own
    keys = sorted(payload, key=lambda key: order.get(key, len(order)))
    left_out = {"clause", "thing"} if "why" in payload else set()  # `reading_reason` names them
    if payload.get("why") == "break_glass" and "ground" in payload:
        left_out = {"why", "texts"} if _is_listing(payload) else {"why"}  # ground and reason say more
    pairs = [
        (str(_KEYS[key]) if key in _KEYS else code_labels.humanize_code(key), _value(key, payload))
        for key in keys if payload[key] != "" and key not in left_out
    ]  # fmt: skip
    return [(key, value) for key, value in pairs if value]


def _name_setting(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the payload of a changed setting with the words of the page of settings."""
    label, model = _SETTINGS[payload["name"]]
    choices = dict(apps.get_model(model)._meta.get_field(payload["name"]).flatchoices)
    values = {key: str(choices.get(payload.get(key), payload.get(key, ""))) for key in ("before", "after")}
    return {**payload, **values, "name": str(label)}


def _value(key: str, payload: Mapping[str, Any]) -> str:
    value = payload[key]
    formatters: dict[str, Callable[[Any], str]] = {
        "clause": code_labels.clause_label,
        "thing": code_labels.content_type_label,
        "reason": _reason,
        "effect": code_labels.effect_label,
        "why": lambda _reason: code_labels.reading_reason(payload),
        "outcome": partial(code_labels.choice_label, Decision.Outcome),
        "sha256": lambda text: str(text)[:12],
        "policy": lambda text: str(text)[:12],
        "consent": partial(code_labels.choice_label, Consent),
        "ground": lambda code: code_labels.ground_label(str(code)),
        "how": lambda code: str(_HOW.get(code, code)),
        "area": lambda code: str(FILTERS[code][0]) if code in FILTERS else str(code),
        "who": _user_name,
        "to": _user_name,
        "before": _changed_value,
        "after": _changed_value,
    }
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return formatters[key](value) if key in formatters else str(value)


def _changed_value(value: object) -> str:
    """Return a value before or after a change: roles and limits in words, long numbers grouped."""
    if value in User.Role.values:
        return str(User.Role(value).label)
    if rate := _RATE.fullmatch(str(value)):
        burst, per_hour = (number_format(int(number), force_grouping=True) for number in rate.groups())
        return gettext("%(burst)s at once, %(an_hour)s per hour") % {"burst": burst, "an_hour": per_hour}
    if allowed := usage_limits.parse_amount(str(value)):
        return usage_limits.describe_amount(*allowed)
    return _LONG_NUMBER.sub(lambda match: number_format(int(match[0]), force_grouping=True), str(value))


def _user_name(pk: int) -> str:
    return str(User.objects.filter(pk=pk).first() or gettext("deleted user"))


def _reason(code: str) -> str:
    """Return the label of a decision's reason code; a break-glass reason is free text and returned as it is."""
    return code_labels.reason_label(code) if code in Decision.Reason.values else code
