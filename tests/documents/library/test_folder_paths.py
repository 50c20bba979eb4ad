"""Folders that are dropped whole keep their structure: for display and for filters, never as a place on the disk."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from django.conf import settings as live
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.documents.library.uploads import PATH_CHARACTERS, clean_folder_path, store_upload
from apps.documents.models import Collection
from apps.users.models import User
from tests.api.conftest import headers
from tests.support.pages import strip_layout

pytestmark = pytest.mark.django_db(transaction=True)


def make_file(name: str, words: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, words.encode())


def test_uploaded_file_keeps_its_folder_and_is_found_by_it(alice_client: Client, collection: Collection) -> None:
    sent = {
        "files": [make_file("a.txt", "one"), make_file("b.txt", "two"), make_file("c.txt", "three")],
        "paths": ["contracts/2025", "contracts/2026", ""],
    }
    alice_client.post(f"/collections/{collection.pk}/upload/", sent)
    assert dict(collection.documents.values_list("name", "path")) == {
        "a.txt": "contracts/2025", "b.txt": "contracts/2026", "c.txt": "",
    }  # fmt: skip
    page = strip_layout(alice_client.get(f"/collections/{collection.pk}/").content.decode())
    assert 'href="?q=contracts%2F2025">contracts/2025/</a>' in page
    only = alice_client.get(f"/collections/{collection.pk}/?q=contracts%2F2025").content.decode()
    assert "a.txt" in only and "b.txt" not in only and "c.txt" not in only


def test_programs_send_and_filter_folders(client: Client, alice: User, collection: Collection) -> None:
    sent, address = headers(alice), f"/api/collections/{collection.pk}/documents"
    for name, path in (("a.txt", "x/y"), ("b.txt", "x"), ("c.txt", "xy"), ("d.txt", "")):
        taken = client.post(address, {"file": make_file(name, name), "path": path}, **sent)
        assert (taken.status_code, taken.json()["path"]) == (202, path)
    found = client.get(address, {"path": "x"}, **sent).json()["items"]
    assert sorted(item["name"] for item in found) == ["a.txt", "b.txt"]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("a/b", "a/b"),
        ("/etc/", "etc"),
        ("../../etc", "etc"),
        ("..\\..\\windows", "windows"),
        ("a/./b//c", "a/b/c"),
        ("a\0b/\u202ec", "a b/c"),
        ("<b>/=cmd", "<b>/=cmd"),
        ("line\nbreak", "line break"),
        ("", ""),
    ],
)
def test_a_path_is_shown_and_leads_nowhere(path: str, shown: str, alice: User, collection: Collection) -> None:
    assert clean_folder_path(path) == shown
    row = store_upload(alice, collection, make_file("a.txt", "words"), path)
    stored = Path(row.file.path)
    assert row.path == shown and stored.parent == Path(live.MEDIA_ROOT) / "documents"


def test_a_very_deep_path_keeps_its_nearest_folders() -> None:
    shown = clean_folder_path("/".join(f"folder{n}" for n in range(200)))
    assert len(shown) <= PATH_CHARACTERS and shown.endswith("folder198/folder199")
    assert len(clean_folder_path("x" * 5000)) <= PATH_CHARACTERS


@pytest.mark.parametrize("name", ["all.zip", "all.tar", "all.tgz", "all.7z", "all.rar", "lib.jar"])
def test_an_archive_is_refused_and_the_way_is_told(name: str, alice_client: Client, collection: Collection) -> None:
    alice_client.post(f"/collections/{collection.pk}/upload/", {"files": [make_file(name, "PK")]})
    page = alice_client.get(f"/collections/{collection.pk}/").content.decode()
    assert name in page and "Unpack it and upload the files in it. You can drop a whole folder at once." in page
    assert not collection.documents.exists()


def test_cleaning_a_folder_path_of_64_kilobytes_takes_less_than_a_second() -> None:
    begun = time.process_time()
    shown = clean_folder_path("a/" * 32_768)
    assert time.process_time() - begun < 1
    assert shown == "/".join(["a"] * (PATH_CHARACTERS // 2))
