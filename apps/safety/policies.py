"""The versions of the policy: written as drafts, replayed over what was judged, approved by somebody else, then live.

The gate reads `current()`, a copy in memory that is never older than a few seconds and never waits for the database.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import Error, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext

from apps.engines import registry
from apps.safety import audit, clauses, hits, listed
from apps.safety.folding import REPORTED, SUPPORT
from apps.safety.intake import fingerprint
from apps.safety.models import Allowance, PolicyVersion
from apps.safety.policy import Policy, PolicyError, digest, read
from apps.safety.transitions import Refused
from apps.safety.withheld import CARE
from apps.users.models import User

Status = PolicyVersion.Status
SHADOWS = 3  # versions at once: each costs a fold of what was judged, in the background
ALLOWED = 10_000  # the latest texts that people have allowed

_ELSE = {REPORTED: "Reported. A reader of it asked for a person to look at it."}

log = logging.getLogger(__name__)
_lock = threading.Lock()
_current: dict[str, Any] = {"policy": None, "read": 0.0, "backend": "", "allowed": frozenset(), "shadows": ()}


@dataclass(frozen=True, slots=True)
class Shadow:
    """A version that judges beside the live one."""

    pk: int
    policy: Policy


def live() -> PolicyVersion:
    """The version in force; the first one is the product's own, with the cuts of the classifiers there are."""
    row = PolicyVersion.objects.filter(status=Status.LIVE).first()
    if row is not None:
        return row
    body = clauses.body(registry.classify().cuts)
    with transaction.atomic():
        number = _number()
        row, made = PolicyVersion.objects.get_or_create(
            status=Status.LIVE,
            defaults={"number": number, "body": body, "sha256": digest(body), "effective": timezone.now()},
        )
        if made:
            audit.record("policy.live", subject=str(row), sha256=row.sha256)
    return row


def current() -> Policy:
    """What the gate judges by, from memory; before anything was read the product's own."""
    if _current["policy"] is None or _current["backend"] != settings.ENGINES["classify"]["BACKEND"]:
        with _lock:
            _current.update(
                policy=read(clauses.body(registry.classify().cuts)), read=0.0,
                backend=settings.ENGINES["classify"]["BACKEND"],
            )  # fmt: skip
    policy: Policy = _current["policy"]
    return policy


def fresh() -> Policy:
    """The same for pages, which may ask the database."""
    if stale():
        refresh()
    return current()


def stale() -> bool:
    return bool(time.monotonic() - _current["read"] > settings.POLICY_S)


def refresh() -> None:
    """The copy is as the database has it. For `in_db`; where the database is away the last copy stays."""
    _current["read"] = time.monotonic()
    if hits.pending():
        hits.write()
    try:
        row = PolicyVersion.objects.filter(status=Status.LIVE).first()
        found = read(row.body, row.number) if row is not None else None
        _current["shadows"] = _in_the_shadow()
        _current["allowed"] = frozenset(Allowance.objects.order_by("-pk").values_list("sha256", flat=True)[:ALLOWED])
    except (Error, PolicyError):
        return
    if found is not None:
        current()
        listed.of(found)
        _current["policy"] = found


def shadows() -> tuple[Shadow, ...]:
    """Versions that judge beside the live one, without effect. From memory, as `current`."""
    found: tuple[Shadow, ...] = _current["shadows"]
    return found


def allowed(text: str) -> bool:
    """Whether a person has looked at exactly this text and allowed it. From memory, as `current`."""
    return fingerprint(text) in _current["allowed"]


def forget() -> None:
    """The next reader begins anew (tests)."""
    _current.update(policy=None, read=0.0, allowed=frozenset(), shadows=())


def clause(code: str) -> str:
    """Its title and text as the live policy has them, in the language of the moment."""
    found = read(live().body).clause(code)
    return f"{gettext(found.title)}. {gettext(found.text)}" if found else gettext(_ELSE.get(code, code))


def words(code: str) -> str:
    """What stands where something was withheld; words of support where somebody needs help."""
    if code == SUPPORT:
        return gettext(CARE)
    return f"{gettext('A reviewer withheld this.')} {clause(code)}"


def draft(user: User, body: Mapping[str, Any], note: str = "") -> PolicyVersion:
    """A new version, without effect; clauses that the product came to know later are added. Raises PolicyError where it
    has a hole."""
    body = clauses.completed(body)
    listed.check(read(body).lists.values())
    with transaction.atomic():
        number = _number()
        row = PolicyVersion.objects.create(number=number, body=body, sha256=digest(body), author=user, note=note[:400])
        audit.record("policy.drafted", actor=user, subject=str(row), sha256=row.sha256)
    return row


def adopt(own: Mapping[str, Any], note: str) -> PolicyVersion | None:
    """The version in force has that list, as the product's own change: what a setting asked for before it was a list.
    One with its key stays as people made it, with the entries that it lacks. None where some version had all of them
    already: people decide about it from then on. Raises PolicyError where it cannot be a list."""
    with transaction.atomic():
        now = live()
        for body in PolicyVersion.objects.values_list("body", flat=True):
            had = (row for row in body.get("lists", []) if row["key"] == own["key"])
            if any(set(own["entries"]) <= set(row["entries"]) for row in had):
                return None
        body = clauses.completed(now.body)
        lists = {row["key"]: row for row in body.get("lists", [])}
        old = lists.get(own["key"], {"entries": []})
        lists[own["key"]] = {**own, **old, "entries": list(dict.fromkeys([*old["entries"], *own["entries"]]))}
        body = {**body, "lists": list(lists.values())}
        listed.check(read(body).lists.values())
        number = _number()
        PolicyVersion.objects.filter(pk=now.pk, status=Status.LIVE).update(status=Status.RETIRED)
        row = PolicyVersion.objects.create(
            number=number, body=body, sha256=digest(body), status=Status.LIVE, note=note[:400], effective=timezone.now()
        )
        audit.record("policy.live", subject=str(row), sha256=row.sha256)
    refresh()
    return row


def shadow(user: User, row: PolicyVersion) -> None:
    """From now on what this version would have done is recorded beside what the live one does."""
    with transaction.atomic():
        if PolicyVersion.objects.filter(status=Status.SHADOW).count() >= SHADOWS:
            raise Refused(gettext("%(most)s versions run in the shadow already. End one of them.") % {"most": SHADOWS})
        if not PolicyVersion.objects.filter(pk=row.pk, status=Status.DRAFT).update(status=Status.SHADOW):
            raise Refused(gettext("Only a draft can run in the shadow."))
        audit.record("policy.shadow", actor=user, subject=str(row))
    refresh()


def unshadow(user: User, row: PolicyVersion) -> None:
    """It is a draft again; what it would have done until now stays to be looked at."""
    with transaction.atomic():
        if not PolicyVersion.objects.filter(pk=row.pk, status=Status.SHADOW).update(status=Status.DRAFT):
            raise Refused(gettext("This version does not run in the shadow."))
        audit.record("policy.unshadowed", actor=user, subject=str(row))
    refresh()


def approve(user: User, row: PolicyVersion) -> None:
    """The version is live. Raises Refused: somebody else approves, after a replay of exactly this text against what is
    live, over all history (`replaying.py`)."""
    row.refresh_from_db()
    if row.status not in (Status.DRAFT, Status.SHADOW):
        raise Refused(gettext("This version was live already. Make a new draft of it."))
    if row.author_id == user.pk:
        raise Refused(gettext("Somebody else than its author approves a policy."))
    found = row.replay or {}
    if digest(row.body) != row.sha256 or found.get("sha256") != row.sha256 or "stages" not in found:
        raise Refused(gettext("Replay it over what was judged first, so that you know what it changes."))
    if found.get("against") != live().sha256:
        raise Refused(gettext("Another version went live since its replay. Replay it once more."))
    with transaction.atomic():
        PolicyVersion.objects.filter(status=Status.LIVE).update(status=Status.RETIRED)
        PolicyVersion.objects.filter(pk=row.pk).update(status=Status.LIVE, approver=user, effective=timezone.now())
        audit.record("policy.live", actor=user, subject=str(row), sha256=row.sha256)
    refresh()


def _number() -> int:
    """Of the next version."""
    latest: int | None = PolicyVersion.objects.aggregate(latest=Max("number"))["latest"]
    return (latest or 0) + 1


def _in_the_shadow() -> tuple[Shadow, ...]:
    """Without those that this product cannot read."""
    found = []
    for row in PolicyVersion.objects.filter(status=Status.SHADOW).order_by("number")[:SHADOWS]:
        try:
            found.append(Shadow(row.pk, read(row.body, row.number)))
        except PolicyError:
            log.warning("%s runs in the shadow and cannot be read", row)
    return tuple(found)
