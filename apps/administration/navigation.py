"""Secondary navigation of the administration: which pages a user of the staff may open, and which one is open.

Entry point: `build_navigation`. Rights are checked by the views; the navigation only leaves out what they would refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext_lazy

from apps.safety.break_glass.access_requests import can_list_requests, pending_requests
from apps.safety.moderation import cases
from apps.safety.policy import versions
from apps.users.models import JoinRequest, User

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Permission = Callable[[User], bool]


@dataclass(frozen=True, slots=True)
class NavigationEntry:
    """Link to a page of the administration."""

    label: StrOrPromise
    url: str
    is_current: bool
    count: int = 0  # what waits there; 0 is not shown


@dataclass(frozen=True, slots=True)
class NavigationSection:
    """Entries below a heading; an empty `label` shows none."""

    label: StrOrPromise
    entries: list[NavigationEntry]


@dataclass(frozen=True, slots=True)
class AdministrationNavigation:
    """Sections that the user may open. `current` is the entry of the open page; None on other pages of the product."""

    sections: list[NavigationSection]
    waiting: int  # cases, requests, askers for an account and policy drafts that the user could claim or answer

    @property
    def current(self) -> NavigationEntry | None:
        return next((entry for section in self.sections for entry in section.entries if entry.is_current), None)


def _is_staff(user: User) -> bool:
    return user.is_staff


def _is_administrator(user: User) -> bool:
    return user.is_administrator


TO_DO = "administration:index"
QUEUE, POLICY, BREAK_GLASS = "safety:queue", "safety:policy", "conversations:break_glass"
PEOPLE = "users:people"
PAGES: tuple[tuple[StrOrPromise, tuple[tuple[StrOrPromise, str, Permission], ...]], ...] = (
    ("", ((gettext_lazy("To do"), TO_DO, _is_staff),)),
    (gettext_lazy("Review"), (
        (gettext_lazy("Queue"), QUEUE, _is_staff),
        (gettext_lazy("Statistics"), "safety:figures", _is_staff),
        (gettext_lazy("Policy"), POLICY, _is_administrator),
        (gettext_lazy("Blocklists"), "safety:blocklists", _is_administrator),
        (gettext_lazy("Audit log"), "safety:log", _is_administrator),
        (gettext_lazy("Emergency access"), BREAK_GLASS, can_list_requests),
    )),
    (gettext_lazy("Accounts"), (
        (gettext_lazy("Users"), PEOPLE, _is_administrator),
        (gettext_lazy("Groups"), "users:groups", _is_administrator),
        (gettext_lazy("Usage"), "users:usage", _is_administrator),
        (gettext_lazy("Limits"), "users:limit_settings", _is_administrator),
        (gettext_lazy("Legal holds"), "privacy:holds", _is_administrator),
    )),
    (gettext_lazy("Content"), (
        (gettext_lazy("Feedback"), "evaluation:feedback", _is_staff),
        (gettext_lazy("Collections"), "administration:collections", _is_administrator),
    )),
    (gettext_lazy("Site"), (
        (gettext_lazy("Models"), "administration:models", _is_administrator),
        (gettext_lazy("Tools"), "conversations:tools", _is_administrator),
        (gettext_lazy("Settings"), "operations:settings", _is_administrator),
        (gettext_lazy("Server settings"), "administration:environment", _is_administrator),
        (gettext_lazy("System check"), "operations:doctor", _is_administrator),
    )),
)  # fmt: skip


def build_navigation(user: User, path: str) -> AdministrationNavigation:
    """Return the navigation of a member of the staff for the page at `path`. Asks for the count of each queue."""
    waiting = {
        QUEUE: cases.claimable_cases(user).count(),
        BREAK_GLASS: pending_requests(user).count(),
        PEOPLE: JoinRequest.objects.count() if user.is_administrator else 0,
        POLICY: versions.count_approvable_drafts(user) if user.is_administrator else 0,
    }
    urls = {name: reverse(name) for _, pages in PAGES for _, name, _ in pages}
    # The longest address that the path begins with: /people/groups/7/ belongs to the groups, not to the users. Pages
    # without an entry, such as /administration/mail/, are not part of the first one.
    begun = [url for name, url in urls.items() if path.startswith(url) and (name != TO_DO or path == url)]
    current = max(begun, key=len, default="")
    sections = [
        NavigationSection(
            heading,
            [
                NavigationEntry(label, urls[name], urls[name] == current, waiting.get(name, 0))
                for label, name, may_open in pages
                if may_open(user)
            ],
        )
        for heading, pages in PAGES
    ]
    return AdministrationNavigation([section for section in sections if section.entries], sum(waiting.values()))
