"""Users of most tests: Alice owns, Bob may read, Charlie may not, Morgan reviews, Ada administers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apps.users.models import User

PASSWORD = "correct horse battery"


def make_user(name: str, role: str = "member") -> User:
    """Return a new user with a verified address NAME@example.org and the password `PASSWORD`."""
    from allauth.account.models import EmailAddress

    from apps.users.models import User

    user = User.objects.create_user(f"{name}@example.org", PASSWORD, name=name.title(), role=role)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user
