"""The versions of the policy: written as drafts, replayed over what was judged, approved by somebody else, then live.

The gate reads `current()`, a copy in memory that is never older than a few seconds and never waits for the database.
"""

from __future__ import annotations

import hashlib
import logging
import math
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
from apps.safety import audit, clauses, hits, listed, separation, whose
from apps.safety.folding import ACCOUNT, REPORTED, SUPPORT
from apps.safety.intake import fingerprint
from apps.safety.models import Allowance, PolicyVersion
from apps.safety.policy import Policy, PolicyError, digest, read
from apps.safety.transitions import Refused
from apps.safety.withheld import care
from apps.users.models import User

Status = PolicyVersion.Status
SHADOWS = 3  # versions at once: each costs a fold of what was judged, in the background
ALLOWED = 10_000  # the latest texts that people have allowed

_ELSE = {
    REPORTED: "Reported. A reader of it asked for a person to look at it.",
    ACCOUNT: "Decision of an administrator of this site.",
}

log = logging.getLogger(__name__)
_lock = threading.Lock()
_current: dict[str, Any] = {"policy": None, "loaded": False, "read": 0.0, "backend": "", "allowed": frozenset()}
_BESIDE: dict[str, Any] = {"shadows": (), "partial": None, "live": None}  # what is live, as it is judged by beside
_current.update(_BESIDE)


@dataclass(frozen=True, slots=True)
class Shadow:
    """A version that judges beside the live one."""

    pk: int
    policy: Policy


@dataclass(frozen=True, slots=True)
class Partial:
    """A version that is live for some people in a hundred, always the same ones."""

    shadow: Shadow
    share: int

    def judges(self, person: int | None) -> bool:
        """Whoever it judged at a lower share it judges at a higher one too."""
        if person is None:
            return False
        drawn = hashlib.sha256(f"{self.shadow.policy.sha256} {person}".encode()).digest()
        return int.from_bytes(drawn[:8]) % 10_000 < self.share * 100


def live() -> PolicyVersion:
    """The version in force for all; the first one is the product's own, with the cuts of the classifiers there are."""
    row = PolicyVersion.objects.filter(status=Status.LIVE).first()
    if row is not None:
        return row
    body = clauses.body(registry.classify().cuts)
    with transaction.atomic():
        number = next_number()
        row, made = PolicyVersion.objects.get_or_create(
            status=Status.LIVE,
            defaults={"number": number, "body": body, "sha256": digest(body), "effective": timezone.now()},
        )
        if made:
            audit.record("policy.live", subject=str(row), sha256=row.sha256)
    return row


def current() -> Policy:
    """What the gate judges this person's texts by (`whose.py`), from memory."""
    partial: Partial | None = _current["partial"]
    return partial.shadow.policy if partial is not None and partial.judges(whose.person()) else for_all()


def in_force(person: int | None) -> PolicyVersion:
    """The version by which that person's texts are judged."""
    row = PolicyVersion.objects.filter(status=Status.PARTIAL).first() if person is not None else None
    if row is not None and partial_of(row).judges(person):
        return row
    return live()


def row(number: int) -> PolicyVersion | None:
    """None of 0, the product's own before it had a row."""
    return PolicyVersion.objects.filter(number=number).first() if number else None


def for_all() -> Policy:
    """What is live for everybody whom no other version judges; before anything was read the product's own."""
    if _current["policy"] is None or _current["backend"] != settings.ENGINES["classify"]["BACKEND"]:
        with _lock:
            _current.update(
                policy=read(clauses.body(registry.classify().cuts)), loaded=False,
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
    """Return True where the copy is older than POLICY_S, or was never read from the database."""
    age = time.monotonic() - _current["read"] if _current["loaded"] else math.inf
    return bool(age > settings.POLICY_S)


def loaded() -> bool:
    """Return True once the copy was read from the database: what judges is the policy of the site, not the product's
    own."""
    return bool(_current["loaded"])


def refresh() -> None:
    """Read the policy from the database, with its lists and what people allowed. Keep the last copy where the database
    is away. For `in_db`."""
    _current["read"] = time.monotonic()
    if hits.pending():
        hits.write()
    try:
        row = PolicyVersion.objects.filter(status=Status.LIVE).first()
        found = read(row.body, row.number) if row is not None else None
        _current["shadows"] = _in_the_shadow()
        partial = PolicyVersion.objects.filter(status=Status.PARTIAL).first()
        partly = partial_of(partial) if partial is not None else None
        _current["allowed"] = frozenset(Allowance.objects.order_by("-pk").values_list("sha256", flat=True)[:ALLOWED])
    except (Error, PolicyError):
        return
    for_all()
    if found is not None and row is not None:
        listed.of(found)
        if partly is not None:
            listed.of(partly.shadow.policy)
        _current.update(policy=found, partial=partly, live=Shadow(row.pk, found))
    _current["loaded"] = True


def shadows(number: int) -> tuple[Shadow, ...]:
    """Versions that judge beside the one of that number, without effect: those in the shadow, and while a version is
    live for a share of people the other of the two. From memory, as `current`."""
    found: tuple[Shadow, ...] = _current["shadows"]
    partial: Partial | None = _current["partial"]
    both = (partial.shadow, _current["live"]) if partial is not None else ()
    known = [one.policy.number for one in both]
    return (*found, *(one for one in both if number in known and one.policy.number != number))


def judging() -> list[Policy]:
    """The versions that judge somebody now, for pages and jobs, which may ask the database."""
    fresh()
    return _judging()


def numbered(number: int) -> Policy | None:
    """One of them, from memory."""
    return next((policy for policy in _judging() if policy.number == number), None)


def _judging() -> list[Policy]:
    partial: Partial | None = _current["partial"]
    return [for_all(), *([partial.shadow.policy] if partial is not None else [])]


def allowed(text: str) -> bool:
    """Whether a person has looked at exactly this text and allowed it. From memory, as `current`."""
    return fingerprint(text) in _current["allowed"]


def forget() -> None:
    """The next reader begins anew (tests)."""
    _current.update(policy=None, loaded=False, read=0.0, allowed=frozenset(), **_BESIDE)


def clause(code: str, person: int | None = None) -> str:
    """Its title and text as the policy in force for that person has them, in the language of the moment."""
    found = read(in_force(person).body).clause(code)
    return f"{gettext(found.title)}. {gettext(found.text)}" if found else gettext(_ELSE.get(code, code))


def words(code: str, person: int | None = None) -> str:
    """What stands where something was withheld; words of support where somebody needs help."""
    if code == SUPPORT:
        return care()
    return f"{gettext('A reviewer withheld this.')} {clause(code, person)}"


def draft(user: User, body: Mapping[str, Any], note: str = "") -> PolicyVersion:
    """A new version, without effect; clauses that the product came to know later are added. Raises PolicyError where it
    has a hole, and Refused."""
    separation.require_administrator(user)
    body = clauses.completed(body)
    listed.check(read(body).lists.values())
    with transaction.atomic():
        number = next_number()
        row = PolicyVersion.objects.create(number=number, body=body, sha256=digest(body), author=user, note=note[:400])
        audit.record("policy.drafted", actor=user, subject=str(row), sha256=row.sha256)
    return row


def shadow(user: User, row: PolicyVersion) -> None:
    """From now on what this version would have done is recorded beside what the live one does. Raises Refused."""
    separation.require_administrator(user)
    with transaction.atomic():
        if PolicyVersion.objects.filter(status=Status.SHADOW).count() >= SHADOWS:
            raise Refused(gettext("%(most)s versions run in the shadow already. End one of them.") % {"most": SHADOWS})
        if not PolicyVersion.objects.filter(pk=row.pk, status=Status.DRAFT).update(status=Status.SHADOW):
            raise Refused(gettext("Only a draft can run in the shadow."))
        audit.record("policy.shadow", actor=user, subject=str(row))
    refresh()


def unshadow(user: User, row: PolicyVersion) -> None:
    """It is a draft again; what it would have done until now stays to be looked at. Raises Refused."""
    separation.require_administrator(user)
    with transaction.atomic():
        if not PolicyVersion.objects.filter(pk=row.pk, status=Status.SHADOW).update(status=Status.DRAFT):
            raise Refused(gettext("This version does not run in the shadow."))
        audit.record("policy.unshadowed", actor=user, subject=str(row))
    refresh()


def approve(user: User, row: PolicyVersion) -> None:
    """The version is live for all. Raises Refused as `approvable`."""
    alone = approvable(user, row)
    with transaction.atomic():
        taken_back(but=row)
        PolicyVersion.objects.filter(status=Status.LIVE).update(status=Status.RETIRED)
        now = {"status": Status.LIVE, "share": 0, "approver": user, "effective": timezone.now()}
        PolicyVersion.objects.filter(pk=row.pk).update(self_approved=alone, **now)
        said = {"self_approved": True} if alone else {}
        audit.record("policy.live", actor=user, subject=str(row), sha256=row.sha256, **said)
    refresh()


def discard(user: User, row: PolicyVersion) -> None:
    """Give up a draft: it stays in the list of versions, never goes live, and nothing builds on it. Raises Refused."""
    separation.require_administrator(user)
    with transaction.atomic():
        if not PolicyVersion.objects.filter(pk=row.pk, status=Status.DRAFT).update(status=Status.DROPPED):
            raise Refused(gettext("Only a draft can be discarded."))
        audit.record("policy.discarded", actor=user, subject=str(row), sha256=row.sha256)


def approvable(user: User, row: PolicyVersion) -> bool:
    """Raise Refused unless the user may approve the version: another administrator than its author, after a replay of
    exactly this text against what is live, over all history (`replaying.py`). Return whether the author approves, as
    is allowed where no other administrator can sign in."""
    separation.require_administrator(user)
    row.refresh_from_db()
    if row.status not in (Status.DRAFT, Status.SHADOW, Status.PARTIAL):
        raise Refused(gettext("This version was live already. Make a new draft of it."))
    alone = row.author_id == user.pk
    if alone and separation.has_other_administrator(user.pk):
        raise Refused(gettext("Somebody else than its author approves a policy."))
    found = row.replay or {}
    if digest(row.body) != row.sha256 or found.get("sha256") != row.sha256 or "stages" not in found:
        raise Refused(gettext("Replay it over what was judged first, so that you know what it changes."))
    if found.get("against") != live().sha256:
        raise Refused(gettext("Another version went live since its replay. Replay it once more."))
    return alone


def taken_back(user: User | None = None, but: PolicyVersion | None = None) -> bool:
    """No other version is live for a share of people any more; whether one was. Call inside a transaction."""
    rows = PolicyVersion.objects.filter(status=Status.PARTIAL)
    one = (rows.exclude(pk=but.pk) if but is not None else rows).first()
    if one is None or not rows.filter(pk=one.pk).update(
        status=Status.DRAFT, share=0, approver=None, effective=None, self_approved=False
    ):
        return False
    audit.record("policy.withdrawn", actor=user, subject=str(one), sha256=one.sha256)
    return True


def partial_of(row: PolicyVersion) -> Partial:
    """That version with the people for whom it is live."""
    return Partial(Shadow(row.pk, read(row.body, row.number)), row.share)


def next_number() -> int:
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
