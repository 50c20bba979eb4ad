"""Data export: holds every row about the user, no secret, and is accessible to that user alone."""

from __future__ import annotations

import io
import json
import re
import zipfile
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.conf import settings
from django.test import Client

from apps.images.models import Picture
from apps.privacy import data_export, data_requests
from apps.privacy.models import DataRequest
from apps.safety.audit_log import audit
from apps.safety.break_glass import access_requests
from apps.users.models import ApiToken, User
from apps.users.special_permissions import BREAK_GLASS
from tests.factories import make_user
from tests.privacy.conftest import MARK, Life
from tests.support.password import PASSWORD

pytestmark = pytest.mark.django_db


def copy_of(client: Client, user: User) -> zipfile.ZipFile:
    client.force_login(user)
    assert client.post("/privacy/copy/").headers["Location"] == "/privacy/#copies"
    assert 'hx-trigger="every 2s"' in client.get("/privacy/").content.decode()
    data_request = DataRequest.objects.get(user=user)
    data_requests.process_request(str(data_request.pk))
    page = client.get("/privacy/").content.decode()
    assert "Download" in page and "every 2s" not in page
    return zipfile.ZipFile(io.BytesIO(b"".join(client.get(f"/privacy/copy/{data_request.pk}/").streaming_content)))  # type: ignore[attr-defined]


def test_data_export_contains_everything_of_the_user(client: Client, alice: User, life: Life) -> None:
    found = copy_of(client, alice)
    assert found.testzip() is None
    names = found.namelist()
    assert json.loads(found.read("account.json"))["email"] == alice.email
    talk = json.loads(found.read(f"conversations/{life.talk.pk}.json"))
    assert MARK in talk["messages"][0]["text"] and talk["digital_source_type"]
    assert MARK.encode() in found.read(f"files/{life.shelf.pk}/{life.paper.pk}/paper.txt")
    (attached,) = [name for name in names if name.startswith(f"files/{life.talk.files_id}/")]
    assert MARK.encode() in found.read(attached)
    assert json.loads(found.read(f"review/{life.case.pk}.json"))["decisions"][0]["outcome"] == "block"
    assert "review (" in json.loads(found.read("access-log.json"))[0]["why"]
    assert {"rows/users.apitoken.json", "rows/safety.notice.json", "rows/conversations.message.json"} <= set(names)


def test_an_index_in_the_language_of_the_user_links_to_every_file(alice: User, life: Life) -> None:
    User.objects.filter(pk=alice.pk).update(language="de")
    life.talk.__class__.objects.filter(pk=life.talk.pk).update(title="Boiler <E4>")
    data_request = data_requests.request_copy(User.objects.get(pk=alice.pk))
    data_requests.process_request(str(data_request.pk))
    found = zipfile.ZipFile(data_export.archive_path(data_request))
    index = found.read("index.html").decode()
    assert f'<a href="conversations/{life.talk.pk}.json">Boiler &lt;E4&gt;</a>' in index and "Unterhaltungen" in index
    linked = {unquote(unescape(name)) for name in re.findall(r'href="([^"]*)"', index)}
    assert linked | {"index.html"} == set(found.namelist())


def test_data_export_covers_every_table_that_names_a_user(alice: User, life: Life) -> None:
    named = {model._meta.label_lower for model, _ in data_export.models_naming_user()}
    assert {"users.apitoken", "documents.collection", "documents.membership", "conversations.folder"} <= named


def test_data_export_contains_no_secrets_or_names_of_others(
    client: Client, alice: User, morgan: User, life: Life
) -> None:
    found = copy_of(client, alice)
    text = "".join(found.read(name).decode("utf-8", "replace") for name in found.namelist())
    assert ApiToken.objects.get().secret_hash not in text
    assert alice.password not in text and PASSWORD not in text
    assert morgan.email not in text and morgan.name not in text


def test_data_export_is_fetched_by_nobody_else(client: Client, alice: User, bob: User, life: Life) -> None:
    copy_of(client, alice)
    data_request = DataRequest.objects.get()
    client.force_login(bob)
    assert client.get(f"/privacy/copy/{data_request.pk}/").status_code == 404
    client.logout()
    assert client.get(f"/privacy/copy/{data_request.pk}/").status_code == 302


def test_data_export_is_deleted_after_a_week_and_made_one_at_a_time(client: Client, alice: User, life: Life) -> None:
    copy_of(client, alice)
    data_request = DataRequest.objects.get()
    assert data_export.archive_path(data_request).is_file()
    DataRequest.objects.update(ended=data_request.created.replace(year=2020))
    data_requests.sweep_requests()
    assert not data_export.archive_path(data_request).exists() and not DataRequest.objects.exists()
    data_requests.request_copy(alice)
    with pytest.raises(data_requests.DataRequestRefused):
        data_requests.request_copy(alice)


def test_failing_data_export_is_tried_three_times(alice: User, life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(data_export, "write_archive", broken)
    data_request = data_requests.request_copy(alice)
    for _ in range(data_requests.MAX_ATTEMPTS):
        with pytest.raises(OSError, match="no space"):
            data_requests.process_request(str(data_request.pk))
        DataRequest.objects.filter(status="waiting").update(lease_until=data_request.created.replace(year=2020))
    data_request.refresh_from_db()
    assert data_request.status == "failed" and "Administrators see the reason" in data_request.reason


def test_a_picture_that_is_held_is_not_in_it(alice: User) -> None:
    stored = Path(settings.MEDIA_ROOT) / "pictures/held.png"
    stored.parent.mkdir(parents=True, exist_ok=True)
    stored.write_bytes(b"a picture")
    row = Picture.objects.create(
        owner=alice, prompt="A red cat", width=64, height=64, steps=4, guidance=1, seed=1, model="fake",
        status=Picture.Status.HELD, file="pictures/held.png",
    )  # fmt: skip
    assert stored not in [content for _, content in data_export._archive_parts(alice)]
    Picture.objects.filter(pk=row.pk).update(status=Picture.Status.READY)
    assert stored in [content for _, content in data_export._archive_parts(alice)]


def test_break_glass_that_was_opened_is_in_it_with_its_ground(
    client: Client, alice: User, ada: User, morgan: User, life: Life
) -> None:
    robin = make_user("robin", User.Role.REVIEWER)
    for user in (morgan, robin):
        BREAK_GLASS.assign(user, True)
        user.refresh_from_db()
    asked = access_requests.request_access(
        morgan, alice, life.talk.pk, "order", "A court asked for this one, in an order."
    )
    access_requests.approve_request(robin, asked.pk)
    readings = json.loads(copy_of(client, alice).read("access-log.json"))
    opened = [one for one in readings if one["what"] == "conversations opened (break-glass)"]
    assert len(opened) == 1 and "emergency access (" in opened[0]["why"] and opened[0]["by"] == "a member of the staff"


@pytest.mark.parametrize("kind", ["break_glass.opened", "glass.opened"])  # the latter of former releases
def test_break_glass_that_was_opened_in_an_emergency_is_in_it(
    client: Client, alice: User, ada: User, morgan: User, life: Life, kind: str
) -> None:
    audit.record_event(kind, actor=morgan, user=alice.pk, subject="glass 1", ground="order")
    readings = json.loads(copy_of(client, alice).read("access-log.json"))
    assert [one["what"] for one in readings].count("conversations opened in an emergency (break-glass)") == 1
