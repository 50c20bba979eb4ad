"""Apply the provider's groups and roles to an account at each sign-in.

Groups are never created: a name of a claim counts if a group of this site has it. Memberships that an administrator
made, and accounts that never sign in with the provider, are left alone.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from django.contrib.auth.models import Group
from django.db import transaction

from apps.users import groups
from apps.users.accounts import LastAdministrator, set_role
from apps.users.models import ProviderMembership, User
from apps.users.single_sign_on.claims import Identity, choose_role
from apps.users.single_sign_on.provider_settings import load_provider

log = logging.getLogger(__name__)


def is_allowed(identity: Identity) -> bool:
    """Return whether the user may sign in. Groups that the provider holds back count as none."""
    allowed = load_provider().allowed_groups
    return not allowed or not allowed.isdisjoint((identity.groups or frozenset()) | (identity.roles or frozenset()))


def apply_identity(user: User, identity: Identity) -> None:
    """Change groups and role of the account as the claims say. The last administrator stays one."""
    provider = load_provider()
    if identity.groups is None or identity.roles is None:
        log.warning("The provider held back the groups of user %s, as they are too many; nothing changes.", user.pk)
    with transaction.atomic():
        if identity.groups is not None:
            _sync_groups(user, identity.groups, provider.group_names)
        role = choose_role(identity.roles, user.role, provider.admin_groups, provider.reviewer_groups)
        if role == user.role:
            return
        try:
            set_role(user, role)
        except LastAdministrator:
            log.warning("User %s stays an administrator, as the provider would leave the site without one.", user.pk)
        else:
            user.role = role


def _sync_groups(user: User, claimed: frozenset[str], group_names: Mapping[str, str]) -> None:
    names = {group_names.get(name, name) for name in claimed}
    wanted = {group.pk: group for group in Group.objects.filter(name__in=names)}
    given = {row.group_id: row for row in ProviderMembership.objects.filter(user=user).select_related("group")}
    present = set(user.groups.values_list("pk", flat=True))
    for pk, group in wanted.items():
        if pk not in present:
            groups.add_member(group, user)
            ProviderMembership.objects.get_or_create(user=user, group=group)
    for pk, row in given.items():
        if pk not in wanted:
            if pk in present:
                groups.remove_member(row.group, user)
            row.delete()
