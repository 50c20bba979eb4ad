"""Every reachable page of django-allauth is replaced by one of Openbook's."""

from __future__ import annotations

import pytest
from allauth.account import urls
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.urls import reverse

from apps.documents.models import Collection, PendingMembership
from apps.users.models import User

OURS = 'id="main"'
PARTS = {
    "account_confirm_email": {"key": "wrong"},
    "account_reset_password_from_key": {"uidb36": "1", "key": "wrong-1"},
}
NAMES = sorted(str(pattern.name) for pattern in urls.urlpatterns)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("signed_in", [False, True], ids=["anonymous", "signed in"])
def test_account_pages_all_wear_the_frame(
    client: Client, alice: User, open_signup: None, name: str, signed_in: bool
) -> None:
    if signed_in:
        client.force_login(alice)
    response = client.get(reverse(name, kwargs=PARTS.get(name)), follow=True)
    assert response.status_code == 200
    page = response.content.decode()
    assert OURS in page
    assert "Menu:" not in page  # the plain layout of django-allauth
    assert all(
        "account/" not in str(used.origin) or "/templates/account/" in str(used.origin) for used in response.templates
    )
    assert not [used.name for used in response.templates if "site-packages/allauth" in str(used.origin)]


def test_a_person_confirms_their_address_and_gets_what_was_shared_with_it(
    client: Client, alice: User, bob: User
) -> None:
    collection = Collection.objects.create(owner=bob, name="Shelf")
    PendingMembership.objects.create(collection=collection, email=alice.email)
    EmailAddress.objects.filter(user=alice).update(verified=False)
    client.force_login(alice)
    client.get("/collections/")
    assert collection not in Collection.objects.visible_to(alice)
    assert "to confirm" in client.post("/accounts/email/", follow=True).content.decode()
    link = next(word for word in mail.outbox[-1].body.split() if word.startswith("http"))
    client.post(link.removeprefix("http://localhost:8000"))
    assert "confirmed" in client.get("/accounts/email/").content.decode()
    client.get("/collections/")
    assert collection in Collection.objects.visible_to(alice)
