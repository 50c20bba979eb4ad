"""Create, rename and delete groups of the directory, and set their members. Runs in the caller's transaction.

Groups made by hand are left alone: their names cannot be taken. Members that administrators added and the directory
does not know stay.
"""

from __future__ import annotations

from scim2_models import InvalidValueException, NotFoundException, UniquenessException

from apps.administration.directory.accounts import ID_CHARACTERS, is_id
from apps.administration.directory.schema import Group as GroupResource
from apps.users import groups
from apps.users.models import DirectoryAccount, DirectoryGroup

NAME_CHARACTERS = 150  # of the column


def create_group(sent: GroupResource) -> DirectoryGroup:
    """Return a new group with its members. Raise UniquenessException for a name that another group has."""
    try:
        group = groups.create_group(_read_name(sent))
    except groups.NameTaken as error:
        raise _taken() from error
    row = DirectoryGroup.objects.create(group=group, external_id=(sent.external_id or "")[:ID_CHARACTERS])
    _set_members(row, sent)
    return row


def change_group(row: DirectoryGroup, sent: GroupResource) -> None:
    """Change name, external id and members of the group to what the directory sent."""
    name = _read_name(sent)
    if name != row.group.name:
        try:
            groups.rename_group(row.group, name)
        except groups.NameTaken as error:
            raise _taken() from error
        row.group.name = name
    row.external_id = (sent.external_id or "")[:ID_CHARACTERS]
    row.save()
    _set_members(row, sent)


def remove_group(row: DirectoryGroup) -> None:
    """Delete the group. Its members lose what was shared with it."""
    groups.delete_group(row.group)


def lock_group(pk: str) -> DirectoryGroup:
    """Return the group of that id, locked until the end of the transaction. Raise NotFoundException."""
    rows = DirectoryGroup.objects.select_for_update(of=("self",)).select_related("group")
    found = rows.filter(group=int(pk)).first() if is_id(pk) else None
    if found is None:
        raise NotFoundException(detail=f"Group {pk[:40]!r} is not known here.")
    return found


def _set_members(row: DirectoryGroup, sent: GroupResource) -> None:
    wanted = {str(member.value) for member in sent.members or []}
    known = DirectoryAccount.objects.filter(removed=None)
    before = {str(one.user_id): one for one in known.filter(user__groups=row.group).select_related("user")}
    joining = known.filter(user__in=[int(pk) for pk in wanted - before.keys() if is_id(pk)]).select_related("user")
    after = {str(one.user_id): one for one in joining}
    if missing := wanted - before.keys() - after.keys():
        raise InvalidValueException(detail=f"No user has the id {min(missing)[:40]!r}.")
    for one in after.values():
        groups.add_member(row.group, one.user)
    for pk in before.keys() - wanted:
        groups.remove_member(row.group, before[pk].user)


def _read_name(sent: GroupResource) -> str:
    name = (sent.display_name or "").strip()
    if not name or len(name) > NAME_CHARACTERS or "\0" in name:
        raise InvalidValueException(detail=f"displayName must have 1 to {NAME_CHARACTERS} characters.")
    return name


def _taken() -> UniquenessException:
    return UniquenessException(
        detail="A group of this name exists here. Rename one of the two: groups made by hand are left alone."
    )
