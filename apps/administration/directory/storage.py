"""Storage of scim2-server over accounts and groups of this site: find, list, and hand changes on.

Entry point: `DirectoryStorage`. Each operation is one transaction, and its entries in the audit log say that the
directory did it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.db import transaction
from scim2_models import (
    Meta,
    NotImplementedException,
    Reference,
    Resource,
    ResourceType,
    ResponseParameters,
    SearchRequest,
)
from scim2_server.storage import ScimStorage, SearchPage

from apps.administration.directory import accounts, groups
from apps.administration.directory.filters import GROUP_FIELDS, USER_FIELDS, build_condition
from apps.administration.directory.schema import Email, Group, GroupMembership, Member, ScimUser
from apps.users import audit_hook
from apps.users.models import DirectoryAccount, DirectoryGroup, User


class DirectoryStorage(ScimStorage):
    """Accounts and groups that the directory manages."""

    @contextmanager
    def operation(self) -> Iterator[None]:
        with transaction.atomic(), audit_hook.acting_for("directory"):
            yield

    def get(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        response_parameters: ResponseParameters[Any] | None = None,
    ) -> Resource[Any]:
        if resource_type.name == "User":
            return _show_accounts([accounts.lock_account(resource_id)])[0]
        return _show_groups([groups.lock_group(resource_id)], _keeps_members(response_parameters))[0]

    def search(
        self, resource_types: list[ResourceType], search_request: SearchRequest[Any], *, position: Any = None
    ) -> SearchPage:
        if len(resource_types) != 1:
            raise NotImplementedException(detail="Search /Users or /Groups.")
        start = search_request.start_index_0 or 0
        stop = start + (search_request.count or 0)
        if resource_types[0].name == "User":
            found = DirectoryAccount.objects.filter(
                build_condition(search_request.filter, USER_FIELDS), removed=None
            ).order_by("user")
            shown = list(found.select_related("user")[start:stop])
            return SearchPage(found.count(), _show_accounts(shown))
        condition = build_condition(search_request.filter, GROUP_FIELDS)
        made = DirectoryGroup.objects.filter(condition).distinct().order_by("group")
        rows = list(made.select_related("group")[start:stop])
        return SearchPage(made.count(), _show_groups(rows, _keeps_members(search_request)))

    def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        if isinstance(resource, ScimUser):
            return _show_accounts([accounts.create_account(resource)])[0]
        return _show_groups([groups.create_group(cast(Group, resource))])[0]

    def update(
        self, resource_type: ResourceType, resource: Resource[Any], *, expected_version: str | None = None
    ) -> Resource[Any]:
        if isinstance(resource, ScimUser):
            row = accounts.lock_account(str(resource.id))
            accounts.change_account(row, resource)
            return _show_accounts([row])[0]
        made = groups.lock_group(str(resource.id))
        groups.change_group(made, cast(Group, resource))
        return _show_groups([made])[0]

    def delete(self, resource_type: ResourceType, resource_id: str, *, expected_version: str | None = None) -> None:
        if resource_type.name == "User":
            accounts.remove_account(accounts.lock_account(resource_id))
        else:
            groups.remove_group(groups.lock_group(resource_id))


def _keeps_members(asked: ResponseParameters[Any] | None) -> bool:
    """Return whether a response has the members of groups: directories that only look for a group leave them out."""
    if asked is None:
        return True
    if asked.attributes:
        return any(str(path).casefold().rpartition(":")[2].startswith("members") for path in asked.attributes)
    return not any(str(path).casefold().rpartition(":")[2] == "members" for path in asked.excluded_attributes or [])


def _show_accounts(rows: list[DirectoryAccount]) -> list[Resource[Any]]:
    """Return the accounts as resources; one query for all their groups."""
    theirs: dict[int, list[GroupMembership]] = {}
    pairs = DirectoryGroup.objects.filter(group__user__in=[row.user_id for row in rows]).order_by("group__name")
    for user, pk, name in pairs.values_list("group__user", "group_id", "group__name"):
        theirs.setdefault(user, []).append(GroupMembership(value=str(pk), display=name))
    return [
        ScimUser(
            id=str(row.user_id), external_id=row.external_id or None, user_name=row.user_name,
            display_name=row.user.name or None, active=row.active, groups=theirs.get(row.user_id),
            emails=[Email(value=row.user.email)],
            meta=Meta(resource_type="User", created=row.created, last_modified=row.modified),
        )
        for row in rows
    ]  # fmt: skip


def _show_groups(rows: list[DirectoryGroup], with_members: bool = True) -> list[Resource[Any]]:
    """Return the groups as resources; one query for all their members that the directory knows."""
    theirs: dict[int, list[Member]] = {}
    if with_members:
        known = User.objects.filter(
            groups__in=[row.group_id for row in rows], directory_account__removed=None,
            directory_account__isnull=False,
        ).order_by("pk")  # fmt: skip
        for group, pk in known.values_list("groups", "pk"):
            theirs.setdefault(group, []).append(Member(value=str(pk), ref=Reference(f"Users/{pk}")))
    return [
        Group(
            id=str(row.group_id), external_id=row.external_id or None, display_name=row.group.name,
            members=theirs.get(row.group_id),
            meta=Meta(resource_type="Group", created=row.created, last_modified=row.modified),
        )
        for row in rows
    ]  # fmt: skip
