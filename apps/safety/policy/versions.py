"""The versions of the policy: written as drafts, replayed over what was judged, approved by somebody else, then live.

The gate reads `current()`, a copy in memory that is never older than a few seconds and never waits for the database.
"""

from __future__ import annotations

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
from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.models import Allowance, PolicyVersion
from apps.safety.policy import blocklist_matcher, defaults, separation_of_duties
from apps.safety.policy.evaluation import ACCOUNT, REPORTED, SELF_HARM
from apps.safety.policy.schema import Policy, PolicyError, hash_policy, parse_policy
from apps.safety.policy.user_messages import crisis_support_line
from apps.safety.text.normalization import hash_text
from apps.users.models import User

Status = PolicyVersion.Status
MAX_SHADOWS = 3  # versions at once: each costs a fold of what was judged, in the background
MAX_ALLOWED_TEXTS = 10_000  # the latest texts that people have allowed

_EXTRA_CLAUSES = {
    REPORTED: "Reported. A reader of it asked for a person to look at it.",
    ACCOUNT: "Decision of an administrator of this site.",
}

log = logging.getLogger(__name__)
_lock = threading.Lock()
_EMPTY_CACHE: dict[str, Any] = {"policy": None, "loaded": False, "read": 0.0, "allowed": frozenset(), "shadows": ()}
_current: dict[str, Any] = {**_EMPTY_CACHE, "backend": ""}


@dataclass(frozen=True, slots=True)
class ShadowVersion:
    """A version that judges beside the live one."""

    pk: int
    policy: Policy


def get_live_version() -> PolicyVersion:
    """Return the version in force, made from the product's own clauses and the cuts of its classifiers if there is
    none."""
    row = PolicyVersion.objects.filter(status=Status.LIVE).first()
    if row is not None:
        return row
    body = defaults.make_default_policy(registry.get_text_classifier().cuts)
    with transaction.atomic():
        number = next_version_number()
        row, made = PolicyVersion.objects.get_or_create(
            status=Status.LIVE,
            defaults={"number": number, "body": body, "sha256": hash_policy(body), "effective": timezone.now()},
        )
        if made:
            audit.record_event("policy.live", subject=str(row), sha256=row.sha256)
    return row


def get_version(number: int) -> PolicyVersion | None:
    """None of 0, the product's own before it had a row."""
    return PolicyVersion.objects.filter(number=number).first() if number else None


def current_policy() -> Policy:
    """Return the policy in force, from memory; the product's own before the first read of the database."""
    if _current["policy"] is None or _current["backend"] != settings.ENGINES["classify"]["BACKEND"]:
        with _lock:
            _current.update(
                policy=parse_policy(defaults.make_default_policy(registry.get_text_classifier().cuts)), loaded=False,
                backend=settings.ENGINES["classify"]["BACKEND"],
            )  # fmt: skip
    policy: Policy = _current["policy"]
    return policy


def load_fresh_policy() -> Policy:
    """Return the policy in force, read anew where the copy is stale. For pages, which may ask the database."""
    if is_stale():
        refresh_policy()
    return current_policy()


def is_stale() -> bool:
    """Return True where the copy is older than POLICY_S, or was never read from the database."""
    age = time.monotonic() - _current["read"] if _current["loaded"] else math.inf
    return bool(age > settings.POLICY_S)


def is_loaded() -> bool:
    """Return True once the copy was read from the database: what judges is the policy of the site, not the product's
    own."""
    return bool(_current["loaded"])


def refresh_policy() -> None:
    """Read the policy from the database, with its lists and what people allowed. Keep the last copy where the database
    is away. For `in_db`."""
    _current["read"] = time.monotonic()
    try:
        row = PolicyVersion.objects.filter(status=Status.LIVE).first()
        found = parse_policy(row.body, row.number) if row is not None else None
        _current["shadows"] = _load_shadows()
        _current["allowed"] = frozenset(
            Allowance.objects.order_by("-pk").values_list("sha256", flat=True)[:MAX_ALLOWED_TEXTS]
        )
    except (Error, PolicyError):
        return
    current_policy()
    if found is not None:
        blocklist_matcher.get_matcher(found)
        _current["policy"] = found
    _current["loaded"] = True


def shadow_versions() -> tuple[ShadowVersion, ...]:
    """Return the versions that judge beside the live one, without effect. From memory, as `current`."""
    found: tuple[ShadowVersion, ...] = _current["shadows"]
    return found


def is_allowed_text(text: str) -> bool:
    """Whether a person has looked at exactly this text and allowed it. From memory, as `current`."""
    return hash_text(text) in _current["allowed"]


def clear_cache() -> None:
    """The next reader begins anew (tests)."""
    _current.update(_EMPTY_CACHE)


def describe_clause(code: str) -> str:
    """Return the title and text of a clause as the policy in force has them, in the current language."""
    found = parse_policy(get_live_version().body).clause(code)
    return f"{gettext(found.title)}. {gettext(found.text)}" if found else gettext(_EXTRA_CLAUSES.get(code, code))


def withheld_text(code: str) -> str:
    """Return what stands in place of a withheld text; words of support under the clause for people who need help."""
    if code == SELF_HARM:
        return crisis_support_line()
    return f"{gettext('A reviewer withheld this.')} {describe_clause(code)}"


def create_draft(user: User, body: Mapping[str, Any], note: str = "") -> PolicyVersion:
    """A new version, without effect; clauses that the product came to know later are added. Raises PolicyError where it
    has a hole, and Refused."""
    separation_of_duties.require_administrator(user)
    body = defaults.add_missing_clauses(body)
    blocklist_matcher.validate_blocklists(parse_policy(body).lists.values())
    with transaction.atomic():
        number = next_version_number()
        row = PolicyVersion.objects.create(
            number=number, body=body, sha256=hash_policy(body), author=user, note=note[:400]
        )
        audit.record_event("policy.drafted", actor=user, subject=str(row), sha256=row.sha256)
    return row


def start_shadow(user: User, row: PolicyVersion) -> None:
    """From now on what this version would have done is recorded beside what the live one does. Raises Refused."""
    separation_of_duties.require_administrator(user)
    with transaction.atomic():
        if PolicyVersion.objects.filter(status=Status.SHADOW).count() >= MAX_SHADOWS:
            raise ActionRefused(
                gettext("%(most)s versions run in the shadow already. End one of them.") % {"most": MAX_SHADOWS}
            )
        if not PolicyVersion.objects.filter(pk=row.pk, status=Status.DRAFT).update(status=Status.SHADOW):
            raise ActionRefused(gettext("Only a draft can run in the shadow."))
        audit.record_event("policy.shadow", actor=user, subject=str(row))
    refresh_policy()


def stop_shadow(user: User, row: PolicyVersion) -> None:
    """It is a draft again; what it would have done until now stays to be looked at. Raises Refused."""
    separation_of_duties.require_administrator(user)
    with transaction.atomic():
        if not PolicyVersion.objects.filter(pk=row.pk, status=Status.SHADOW).update(status=Status.DRAFT):
            raise ActionRefused(gettext("This version does not run in the shadow."))
        audit.record_event("policy.unshadowed", actor=user, subject=str(row))
    refresh_policy()


def approve_version(user: User, row: PolicyVersion) -> None:
    """Make the version live. Raise Refused as `approvable`."""
    alone = require_approvable(user, row)
    with transaction.atomic():
        PolicyVersion.objects.filter(status=Status.LIVE).update(status=Status.RETIRED)
        now = {"status": Status.LIVE, "approver": user, "effective": timezone.now()}
        PolicyVersion.objects.filter(pk=row.pk).update(self_approved=alone, **now)
        said = {"self_approved": True} if alone else {}
        audit.record_event("policy.live", actor=user, subject=str(row), sha256=row.sha256, **said)
    refresh_policy()


def discard_draft(user: User, row: PolicyVersion) -> None:
    """Give up a draft: it stays in the list of versions, never goes live, and nothing builds on it. Raises Refused."""
    separation_of_duties.require_administrator(user)
    with transaction.atomic():
        if not PolicyVersion.objects.filter(pk=row.pk, status=Status.DRAFT).update(status=Status.DROPPED):
            raise ActionRefused(gettext("Only a draft can be discarded."))
        audit.record_event("policy.discarded", actor=user, subject=str(row), sha256=row.sha256)


def require_approvable(user: User, row: PolicyVersion) -> bool:
    """Raise Refused unless the user may approve the version: another administrator than its author, after a replay of
    exactly this text against what is live, over all history (`replaying.py`). Return whether the author approves, as
    is allowed where no other administrator can sign in."""
    separation_of_duties.require_administrator(user)
    row.refresh_from_db()
    if row.status not in (Status.DRAFT, Status.SHADOW):
        raise ActionRefused(gettext("This version was live already. Make a new draft of it."))
    alone = row.author_id == user.pk
    if alone and separation_of_duties.has_other_administrator(user.pk):
        raise ActionRefused(gettext("Somebody else than its author approves a policy."))
    found = row.replay or {}
    if hash_policy(row.body) != row.sha256 or found.get("sha256") != row.sha256:
        raise ActionRefused(gettext("Replay it over what was judged first, so that you know what it changes."))
    if found.get("against") != get_live_version().sha256:
        raise ActionRefused(gettext("Another version went live since its replay. Replay it once more."))
    return alone


def next_version_number() -> int:
    """Of the next version."""
    latest: int | None = PolicyVersion.objects.aggregate(latest=Max("number"))["latest"]
    return (latest or 0) + 1


def _load_shadows() -> tuple[ShadowVersion, ...]:
    """Without those that this product cannot read."""
    found = []
    for row in PolicyVersion.objects.filter(status=Status.SHADOW).order_by("number")[:MAX_SHADOWS]:
        try:
            found.append(ShadowVersion(row.pk, parse_policy(row.body, row.number)))
        except PolicyError:
            log.warning("%s runs in the shadow and cannot be read", row)
    return tuple(found)
