"""A version that is live for a share of people before it is live for all: begun, widened, withdrawn, and its figures
beside those of the version that judges everybody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from apps.safety import audit, policies, separation
from apps.safety.figures import HARMFUL, Share
from apps.safety.models import Case, PolicyVersion, Recorded, Shadowed
from apps.safety.policy import Action, PolicyError
from apps.safety.transitions import Refused
from apps.users.models import User

FIRST, MOST = 5, 50  # people in a hundred
_HOLDS = [Action.WITHHOLD, Action.SEND]
Status = PolicyVersion.Status


@dataclass(frozen=True, slots=True)
class Arm:
    """What one of the two versions did since both judge; of what is still kept."""

    version: PolicyVersion
    people: int  # whom it judges, of those who may sign in now
    judged: int
    held: Share  # of the verdicts: withheld, or sent to people
    changed: Share  # of those that the other version judged beside it: the other one's would be different
    false: Share  # of what it held and people decided about: let through

    @property
    def shares(self) -> tuple[Share, ...]:
        return self.held, self.changed, self.false


def begin(user: User, row: PolicyVersion, share: int) -> None:
    """It judges that share of people from now on, always the same ones; widened, those of before among them. Raises
    Refused, also as `policies.approvable`."""
    alone = policies.approvable(user, row)
    if not 1 <= share <= MOST:
        raise Refused(gettext("A share is from 1 to %(most)s people in a hundred.") % {"most": MOST})
    with transaction.atomic():
        if PolicyVersion.objects.filter(status=Status.PARTIAL).exclude(pk=row.pk).exists():
            raise Refused(gettext("Another version is live for some people already. Withdraw it first."))
        since = row.effective if row.status == Status.PARTIAL else timezone.now()
        now = {"status": Status.PARTIAL, "share": share, "approver": user, "effective": since, "self_approved": alone}
        if not PolicyVersion.objects.filter(pk=row.pk, status=row.status).update(**now):
            raise Refused(gettext("Somebody has changed this version by now. Look at it again."))
        audit.record("policy.partial", actor=user, subject=str(row), sha256=row.sha256, share=share,
                     **({"self_approved": True} if alone else {}))  # fmt: skip
    policies.refresh()


def withdraw(user: User, row: PolicyVersion) -> None:
    """It is a draft again, and judges nobody. Raises Refused: somebody else than its author decides that too."""
    separation.require_administrator(user)
    if row.author_id == user.pk and separation.has_other_administrator(user.pk):
        raise Refused(gettext("Somebody else than its author withdraws a policy."))
    with transaction.atomic():
        row.refresh_from_db()
        if row.status != Status.PARTIAL or not policies.taken_back(user):
            raise Refused(gettext("This version is not live for anybody."))
    policies.refresh()


def arms() -> list[Arm]:
    """The version that is live for some people, and the one for all others; nothing where there is no such version."""
    row = PolicyVersion.objects.filter(status=Status.PARTIAL).first()
    if row is None or row.effective is None:
        return []
    live, some = policies.live(), people(row)
    everybody = people(live)
    return [_arm(row, live, row.effective, some), _arm(live, row, row.effective, everybody - some)]


def people(row: PolicyVersion) -> int:
    """How many of those who may sign in now it judges; a small share of few people may be one of them, or nobody."""
    known = User.objects.filter(is_active=True).values_list("pk", flat=True)
    if row.status != Status.PARTIAL:
        return known.count()
    try:
        partial = policies.partial_of(row)
    except PolicyError:  # nobody is judged by what this product cannot read
        return 0
    return sum(map(partial.judges, known.iterator()))


def _arm(version: PolicyVersion, other: PolicyVersion, since: datetime, number: int) -> Arm:
    hour = since.replace(minute=0, second=0, microsecond=0)
    rows = Recorded.objects.filter(policy=version.number, hour__gte=hour)
    judged, held = rows.count(), rows.filter(action__in=_HOLDS, allowance=False).count()
    beside = Shadowed.objects.filter(policy=other, record__policy=version.number, record__hour__gte=hour)
    known, differ = beside.count(), beside.exclude(change="").count()
    return Arm(version, number, judged, Share(held, judged), Share(differ, known), _false(version, since))


def _false(version: PolicyVersion, since: datetime) -> Share:
    """By the last decision about each case that stands; of what a check held, not of what people reported."""
    by_check = ~Q(snapshot__signals=[]) & Q(snapshot__action__in=_HOLDS)
    cases = Case.objects.filter(by_check, snapshot__policy=version, created__gte=since)
    last = [
        [one.outcome for one in case.decisions.all() if one.undone is None][-1:]
        for case in cases.only("pk").prefetch_related("decisions")
    ]
    decided = [outcome for found in last for outcome in found]
    return Share(sum(outcome not in HARMFUL for outcome in decided), len(decided))
