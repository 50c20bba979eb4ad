"""Page of the directory: an administrator makes its token after entering the password again, and sees it once."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.administration.directory.token import make_token, revoke_token
from apps.safety.errors import ActionRefused
from apps.users.models import DirectoryToken, User
from tests.factories import make_client

pytestmark = pytest.mark.django_db
PAGE = "/administration/directory/"


def test_the_token_is_shown_once_replaced_and_revoked(admin: Client) -> None:
    assert "No directory is connected" in admin.get(PAGE).content.decode()
    first = admin.post(PAGE).context["fresh"]
    assert first.startswith("obd_")
    page = admin.get(PAGE).content.decode()
    assert first not in page and f"ends in {first[-4:]}" in page and "never used" in page
    assert admin.post(PAGE).context["fresh"] == "", "the page was loaded again"
    second = admin.post(PAGE, {"replaces": first[-4:]}).context["fresh"]
    client = Client()
    assert client.get("/scim/v2/Users", headers={"Authorization": f"Bearer {first}"}).status_code == 401
    assert client.get("/scim/v2/Users", headers={"Authorization": f"Bearer {second}"}).status_code == 200
    assert "last used" in admin.get(PAGE).content.decode()
    admin.post(f"{PAGE}revoke/")
    assert not DirectoryToken.objects.exists()
    assert "Token of the directory changed" in admin.get("/review/log/").content.decode()


def test_only_administrators_who_entered_the_password_again_make_a_token(
    alice: User, morgan: User, as_ada: Client
) -> None:
    for user in (alice, morgan):
        for path in (PAGE, f"{PAGE}revoke/"):
            assert make_client(user).post(path).status_code == 404
        with pytest.raises(ActionRefused):
            make_token(user)
        with pytest.raises(ActionRefused):
            revoke_token(user)
    for path in (PAGE, f"{PAGE}revoke/"):
        assert as_ada.post(path)["Location"].startswith("/accounts/reauthenticate/")
    assert not DirectoryToken.objects.exists()
