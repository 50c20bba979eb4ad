"""Manage policy versions: drafted, backtested, approved by another administrator, then live.

The gate reads `current_policy()`, a copy in memory that is refreshed after POLICY_S seconds and never waits for the
database.
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
from django.db.models import Exists, Max, Q
from django.utils import timezone
from django.utils.translation import gettext

from apps.engines import registry
from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.models import AllowedText, PolicyVersion
from apps.safety.policy import blocklist_matcher, defaults, separation_of_duties
from apps.safety.policy.evaluation import ACCOUNT, REPORTED, SELF_HARM
from apps.safety.policy.schema import Policy, PolicyError, hash_policy, parse_policy
from apps.safety.policy.user_messages import crisis_support_line
from apps.safety.text.normalization import hash_text
from apps.users.i18n import translate_stored
from apps.users.models import User

Status = PolicyVersion.Status
MAX_SHADOWS = 3  # versions at once; each of them evaluates every verdict again, in the background
MAX_ALLOWED_TEXTS = 10_000  # the latest texts that reviewers allowed or whose hold ended

_EXTRA_CLAUSES = {
    REPORTED: "Reported. A user asked for a review.",
    ACCOUNT: "Decision of an administrator of this site.",
}

log = logging.getLogger(__name__)
_lock = threading.Lock()
_EMPTY_CACHE: dict[str, Any] = {"policy": None, "loaded": False, "read": 0.0, "allowed": frozenset(), "shadows": ()}
_current: dict[str, Any] = {**_EMPTY_CACHE, "backend": ""}


@dataclass(frozen=True, slots=True)
class ShadowVersion:
    """Policy version that is evaluated beside the live one, without effect."""

    pk: int
    policy: Policy


def get_live_version() -> PolicyVersion:
    """Return the live version. Without one, store the default policy as live, with the audit entry `policy.live`."""
    row = PolicyVersion.objects.filter(status=Status.LIVE).first()
    if row is not None:
        return row
    body = defaults.make_default_policy(registry.get_text_classifier().thresholds)
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
    """Return the version; None if there is none or `number` is 0, the default policy before it was stored."""
    return PolicyVersion.objects.filter(number=number).first() if number else None


def current_policy() -> Policy:
    """Return the live policy from memory; the default policy before the first read of the database. Thread-safe."""
    if _current["policy"] is None or _current["backend"] != settings.ENGINES["classify"]["BACKEND"]:
        with _lock:
            _current.update(
                policy=parse_policy(defaults.make_default_policy(registry.get_text_classifier().thresholds)),
                loaded=False, backend=settings.ENGINES["classify"]["BACKEND"],
            )  # fmt: skip
    policy: Policy = _current["policy"]
    return policy


def load_fresh_policy() -> Policy:
    """Return the live policy, read from the database if the copy is stale. For threads that may use the database."""
    if is_stale():
        refresh_policy()
    return current_policy()


def is_stale() -> bool:
    """Return whether the copy is older than POLICY_S seconds or was never read from the database."""
    age = time.monotonic() - _current["read"] if _current["loaded"] else math.inf
    return bool(age > settings.POLICY_S)


def is_loaded() -> bool:
    """Return whether the copy was read from the database and is not the default policy."""
    return bool(_current["loaded"])


def refresh_policy() -> None:
    """Read the live policy, the shadow versions and the allowed texts from the database into memory.

    The previous copy stays if the database is unreachable. Run within `in_db` from the event loop.
    """
    _current["read"] = time.monotonic()
    try:
        row = PolicyVersion.objects.filter(status=Status.LIVE).first()
        policy = parse_policy(row.body, row.number) if row is not None else None
        _current["shadows"] = _load_shadows()
        _current["allowed"] = frozenset(
            AllowedText.objects.order_by("-pk").values_list("sha256", flat=True)[:MAX_ALLOWED_TEXTS]
        )
    except (Error, PolicyError):
        return
    current_policy()
    if policy is not None:
        blocklist_matcher.get_matcher(policy)
        _current["policy"] = policy
    _current["loaded"] = True


def shadow_versions() -> tuple[ShadowVersion, ...]:
    """Return the shadow versions, from memory like `current_policy`."""
    shadows: tuple[ShadowVersion, ...] = _current["shadows"]
    return shadows


def is_allowed_text(text: str) -> bool:
    """Return whether a reviewer allowed exactly this text or its hold ended, from memory like `current_policy`."""
    return hash_text(text) in _current["allowed"]


def clear_cache() -> None:
    """Forget the copy in memory, for tests."""
    _current.update(_EMPTY_CACHE)


def describe_clause(code: str, policy: Policy | None = None) -> str:
    """Return title and text of the clause in the policy (None: the live one), in the active language."""
    clause = (policy or parse_policy(get_live_version().body)).clause(code)
    return (
        f"{translate_stored(clause.title)}. {translate_stored(clause.text)}"
        if clause
        else gettext(_EXTRA_CLAUSES.get(code, code))
    )


def withheld_text(code: str) -> str:
    """Return the words that replace a withheld text; the crisis support message under the self-harm clause."""
    if code == SELF_HARM:
        return crisis_support_line()
    return f"{gettext('A reviewer withheld this.')} {describe_clause(code)}"


def create_draft(user: User, body: Mapping[str, Any], note: str = "") -> PolicyVersion:
    """Store a draft version without effect, with the default clauses it lacks, and return it.

    Administrators only. The draft and the audit entry `policy.drafted` are one transaction. Raise ActionRefused for
    other users, PolicyError if the body is invalid.
    """
    separation_of_duties.require_administrator(user)
    body = defaults.add_missing_clauses(body)
    blocklist_matcher.validate_blocklists(parse_policy(body).blocklists.values())
    with transaction.atomic():
        number = next_version_number()
        row = PolicyVersion.objects.create(
            number=number, body=body, sha256=hash_policy(body), author=user, note=note[:400]
        )
        audit.record_event("policy.drafted", actor=user, subject=str(row), sha256=row.sha256)
    return row


def get_draft_base(user: User, number: int = 0) -> PolicyVersion:
    """Return the version that the user's next change builds on.

    It is the version with the number, else the last open draft of the user, else the live version.
    """
    return get_version(number) or find_open_draft(user) or get_live_version()


def find_open_draft(user: User) -> PolicyVersion | None:
    """Return the user's last draft that is newer than the live version."""
    mine = PolicyVersion.objects.filter(author=user, status=Status.DRAFT, number__gt=get_live_version().number)
    return mine.order_by("-number").first()


def count_approvable_drafts(user: User) -> int:
    """Return how many drafts the administrator may approve, tested or not: those of others, and their own without
    another administrator. One query."""
    others = User.objects.filter(role=User.Role.ADMINISTRATOR, is_active=True).exclude(pk=user.pk)
    own = Q(author=user) & Q(Exists(others))
    return PolicyVersion.objects.filter(status=Status.DRAFT).exclude(own).count()


def save_clauses(user: User, base: PolicyVersion, clauses: list[Mapping[str, Any]], note: str = "") -> PolicyVersion:
    """Store a draft of `base` with these clauses and return it. It takes the place of `base` if that is the user's own
    draft.

    Administrators only. Both changes and their audit entries are one transaction. Raise ActionRefused for other users,
    PolicyError if a clause is invalid.
    """
    separation_of_duties.require_administrator(user)
    with transaction.atomic():
        draft = create_draft(user, {**base.body, "clauses": clauses}, note)
        if base.author_id == user.pk and base.status == Status.DRAFT:
            discard_draft(user, base)
    return draft


def start_shadow(user: User, row: PolicyVersion) -> None:
    """Evaluate the draft beside the live version from now on, without effect.

    Administrators only. Change and audit entry `policy.shadow` are one transaction. Raise ActionRefused if the version
    is no draft or 3 versions run in the shadow already.
    """
    separation_of_duties.require_administrator(user)
    with transaction.atomic():
        if PolicyVersion.objects.filter(status=Status.SHADOW).count() >= MAX_SHADOWS:
            raise ActionRefused(
                gettext("Only %(most)s versions can be in shadow mode at a time. Stop one of them first.")
                % {"most": MAX_SHADOWS}
            )
        if not PolicyVersion.objects.filter(pk=row.pk, status=Status.DRAFT).update(status=Status.SHADOW):
            raise ActionRefused(gettext("Only a draft can run in shadow mode."))
        audit.record_event("policy.shadow", actor=user, subject=str(row))
    refresh_policy()


def stop_shadow(user: User, row: PolicyVersion) -> None:
    """Turn the shadow version back into a draft; its recorded verdicts stay.

    Administrators only. Change and audit entry `policy.unshadowed` are one transaction. Raise ActionRefused if the
    version is no shadow.
    """
    separation_of_duties.require_administrator(user)
    with transaction.atomic():
        if not PolicyVersion.objects.filter(pk=row.pk, status=Status.SHADOW).update(status=Status.DRAFT):
            raise ActionRefused(gettext("This version is not in shadow mode."))
        audit.record_event("policy.unshadowed", actor=user, subject=str(row))
    refresh_policy()


def approve_version(user: User, row: PolicyVersion) -> None:
    """Make the version live and retire the live one.

    Check, change and audit entry `policy.live` are one transaction. Raise ActionRefused like `require_approvable`.
    """
    with transaction.atomic():
        # Two approvers follow one another: the second finds that another version went live.
        list(PolicyVersion.objects.select_for_update().filter(Q(pk=row.pk) | Q(status=Status.LIVE)).order_by("pk"))
        alone = require_approvable(user, row)
        PolicyVersion.objects.filter(status=Status.LIVE).update(status=Status.RETIRED)
        now = {"status": Status.LIVE, "approver": user, "effective": timezone.now()}
        PolicyVersion.objects.filter(pk=row.pk).update(self_approved=alone, **now)
        payload = {"self_approved": True} if alone else {}
        audit.record_event("policy.live", actor=user, subject=str(row), sha256=row.sha256, **payload)
    refresh_policy()


def discard_draft(user: User, row: PolicyVersion) -> None:
    """Discard a draft: it stays in the list of versions and can never go live.

    Administrators only. Change and audit entry `policy.discarded` are one transaction. Raise ActionRefused if the
    version is no draft.
    """
    separation_of_duties.require_administrator(user)
    with transaction.atomic():
        if not PolicyVersion.objects.filter(pk=row.pk, status=Status.DRAFT).update(status=Status.DISCARDED):
            raise ActionRefused(gettext("Only a draft can be discarded."))
        audit.record_event("policy.discarded", actor=user, subject=str(row), sha256=row.sha256)


def require_approvable(user: User, row: PolicyVersion) -> bool:
    """Raise ActionRefused unless the user may approve the version; return whether the author approves it.

    The user must be an administrator other than the author, unless no other administrator can sign in. A backtest of
    exactly this text against the live version over all history is needed (`policy_admin/backtest.py`).
    """
    separation_of_duties.require_administrator(user)
    row.refresh_from_db()
    if obstacle := describe_approval_obstacle(user, row):
        raise ActionRefused(obstacle)
    return row.author_id == user.pk


def describe_approval_obstacle(user: User, row: PolicyVersion) -> str:
    """Return why the administrator cannot approve the version now, in words; "" if they can."""
    if row.status not in (Status.DRAFT, Status.SHADOW):
        return gettext("This version has already been live. Create a new draft from it.")
    if row.author_id == user.pk and separation_of_duties.has_other_administrator(user.pk):
        return gettext("An administrator other than the author has to approve this draft.")
    backtest = row.backtest or {}
    if hash_policy(row.body) != row.sha256 or backtest.get("sha256") != row.sha256:
        return gettext("Test this draft on past verdicts first, so that you know what it would change.")
    if backtest.get("against") != get_live_version().sha256:
        return gettext("Another version has gone live since this draft was tested. Test it on past verdicts again.")
    return ""


def next_version_number() -> int:
    """Return the number of the next version."""
    latest: int | None = PolicyVersion.objects.aggregate(latest=Max("number"))["latest"]
    return (latest or 0) + 1


def _load_shadows() -> tuple[ShadowVersion, ...]:
    """Return the shadow versions that this release can parse."""
    found = []
    for row in PolicyVersion.objects.filter(status=Status.SHADOW).order_by("number")[:MAX_SHADOWS]:
        try:
            found.append(ShadowVersion(row.pk, parse_policy(row.body, row.number)))
        except PolicyError:
            log.warning("%s runs in the shadow and cannot be read", row)
    return tuple(found)
