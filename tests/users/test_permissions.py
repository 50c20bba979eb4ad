"""Each verb about accounts, groups, invitations and limits refuses a user who is no active administrator."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied

from apps.safety.models import AuditEntry
from apps.users import accounts, groups, invitations, rate_limits, special_permissions
from apps.users.models import Invitation, User
from apps.users.models.rate_limit import LimitedResource, LimitScope, Rate, RateLimit
from tests.factories import make_user

pytestmark = pytest.mark.django_db


class Rows:
    """A member in one group but not in another, and an invitation that nobody used."""

    def __init__(self) -> None:
        self.administrator = make_user("ada", role=User.Role.ADMINISTRATOR)
        self.member = make_user("bob")
        self.group, self.other = Group.objects.create(name="Editors"), Group.objects.create(name="Readers")
        self.member.groups.add(self.group)
        invitations.create_invitation(self.administrator)
        self.invitation = Invitation.objects.get()


VERBS: dict[str, Callable[[User, Rows], object]] = {
    "create_group": lambda by, rows: groups.create_group("Writers", by),
    "rename_group": lambda by, rows: groups.rename_group(rows.group, "Writers", by),
    "delete_group": lambda by, rows: groups.delete_group(rows.group, by),
    "add_member": lambda by, rows: groups.add_member(rows.other, rows.member, by),
    "set_groups": lambda by, rows: groups.set_groups(rows.member, [], by),
    "remove_member": lambda by, rows: groups.remove_member(rows.group, rows.member, by),
    "create_invitation": lambda by, rows: invitations.create_invitation(by),
    "revoke_invitation": lambda by, rows: invitations.revoke_invitation(rows.invitation.pk, by),
    "confirm_address": lambda by, rows: accounts.confirm_address(rows.member, by),
    "set_role": lambda by, rows: accounts.set_role(rows.member, User.Role.REVIEWER, by),
    "assign": lambda by, rows: special_permissions.SEALED.assign(rows.administrator, True, by),
    "change_limit": lambda by, rows: rate_limits.change_limit(
        LimitScope.USER, LimitedResource.PICTURES, Rate(1, 1), None, by
    ),
}


def state() -> list[object]:
    """Return what any of the verbs would change."""
    return [
        list(Group.objects.order_by("pk").values("name", "user")), Invitation.objects.count(),
        list(User.objects.order_by("pk").values("role", "may_open_sealed_cases", "emailaddress__verified")),
        RateLimit.objects.count(), AuditEntry.objects.count(),
    ]  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_a_member_a_reviewer_and_a_suspended_administrator_change_nothing(verb: str) -> None:
    rows = Rows()
    reviewer, suspended = make_user("rita", role=User.Role.REVIEWER), make_user("sam", role=User.Role.ADMINISTRATOR)
    User.objects.filter(pk=suspended.pk).update(is_active=False)
    suspended.refresh_from_db()
    before = state()
    for by in (rows.member, reviewer, suspended):
        with pytest.raises(PermissionDenied):
            VERBS[verb](by, rows)
    assert state() == before


@pytest.mark.parametrize("verb", VERBS)
def test_an_administrator_makes_each_change(verb: str) -> None:
    rows = Rows()
    before = state()
    VERBS[verb](rows.administrator, rows)
    assert state() != before
