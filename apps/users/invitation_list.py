"""Read a pasted list of people to invite: addresses, or a table with name, address, role and groups.

Entry point: `parse_invitation_list`. Nothing is stored here.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from apps.users.models import Invitation, User

MAX_LINES = 500
MAX_CHARACTERS = 200_000
_NAMED = re.compile(r"(?P<name>[^<>]*)<(?P<email>[^<>]+)>")  # as mail programs write recipients
_QUOTED = re.compile(r'"[^"]*"')
_ROLES = {
    User.Role.MEMBER: (gettext_lazy("Member"), "user"),
    User.Role.REVIEWER: (gettext_lazy("Reviewer"),),
    User.Role.ADMINISTRATOR: (gettext_lazy("Administrator"), "admin"),
}


@dataclass(frozen=True, slots=True)
class InvitationLine:
    """Person of the list. `problems` are sentences for the administrator; a line with any is not invited."""

    number: int  # of the line, from 1
    email: str
    name: str
    role: str
    groups: tuple[Group, ...]
    problems: tuple[str, ...]

    @property
    def role_label(self) -> str:
        """Return the role in words."""
        return str(User.Role(self.role).label)


@dataclass(frozen=True, slots=True)
class _Cells:
    number: int
    email: str
    name: str = ""
    role: str = ""
    groups: tuple[str, ...] = ()


def parse_invitation_list(text: str) -> list[InvitationLine]:
    """Return the people of the list, MAX_LINES at most, each with what is wrong.

    A line holds addresses alone, or cells separated by comma, semicolon or tab: name, address, role, groups. The cell
    with an @ is the address. Groups are separated by | or stand in further cells. Role and groups may be left out. A
    heading without an @ in the first line is skipped. Queries the database four times.
    """
    cells = [cell for number, line in enumerate(text.splitlines(), 1) for cell in _split_line(number, line)]
    if cells and "@" not in cells[0].email and len(cells) > 1:
        del cells[0]
    cells = cells[:MAX_LINES]
    emails = {cell.email for cell in cells}
    known = set(User.objects.filter(email__in=emails).values_list("email", flat=True))
    waiting = Invitation.objects.filter(email__in=emails, used_by=None, expires__gt=timezone.now())
    invited = set(waiting.values_list("email", flat=True))
    groups = {group.name.casefold(): group for group in Group.objects.all()}
    counts = Counter(cell.email for cell in cells)
    lines = []
    for cell in cells:
        problems = _check_email(cell.email, known, invited)
        if counts[cell.email] > 1:
            problems.append(gettext("The address stands in the list more than once."))
        role, unknown_role = _read_role(cell.role)
        found = [groups.get(name.casefold()) for name in cell.groups]
        problems += unknown_role
        problems += [
            gettext("There is no group “%(name)s”.") % {"name": name}
            for name, group in zip(cell.groups, found, strict=True)
            if group is None
        ]
        members = tuple(group for group in found if group is not None)
        lines.append(InvitationLine(cell.number, cell.email, cell.name[:120], role, members, tuple(problems)))
    return lines


def _split_line(number: int, line: str) -> list[_Cells]:
    """Return the people of one line; several if it holds addresses alone."""
    line = line.replace("\0", "").strip()
    if not line:
        return []
    delimiter = max("\t;,", key=_QUOTED.sub("", line).count)
    cells = [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    cells = [cell for cell in cells if cell]
    if all("@" in cell for cell in cells):
        return [_read_address(number, cell) for cell in cells]
    at = next((index for index, cell in enumerate(cells) if "@" in cell), None)
    if at is None:
        return [_Cells(number, line[:254].casefold())]
    found = _read_address(number, cells[at])
    role, *groups = cells[at + 1 :] or [""]
    names = tuple(name.strip() for cell in groups for name in cell.split("|") if name.strip())
    return [_Cells(number, found.email, " ".join(cells[:at]) or found.name, role, names)]


def _read_address(number: int, cell: str) -> _Cells:
    named = _NAMED.fullmatch(cell.strip())
    if named is None:
        return _Cells(number, cell.strip()[:300].lower())
    return _Cells(number, named["email"].strip()[:300].lower(), named["name"].strip(' "'))


def _check_email(email: str, known: set[str], invited: set[str]) -> list[str]:
    try:
        validate_email(email)
    except ValidationError:
        return [gettext("This is no e-mail address.")]
    if len(email) > 254:
        return [gettext("This is no e-mail address.")]
    if email in known:
        return [gettext("This user has an account already.")]
    return [gettext("There is an open invitation for this address.")] if email in invited else []


def _read_role(word: str) -> tuple[str, list[str]]:
    """Return the role of that name in English or the language of the page; a member, and a problem, if unknown."""
    if not word:
        return User.Role.MEMBER, []
    for role, names in _ROLES.items():
        if word.casefold() in {role.value, *(str(name).casefold() for name in names)}:
            return role.value, []
    return User.Role.MEMBER, [gettext("There is no role “%(name)s”.") % {"name": word[:40]}]
