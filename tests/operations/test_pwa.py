"""Installable app: a manifest per language, existing icons, and a service worker that caches one page."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from apps.operations.pwa_views import ACCENT, PAPER
from tests.factories import make_user

STATIC = Path(settings.BASE_DIR) / "static"


@pytest.mark.django_db
@pytest.mark.parametrize(("code", "name"), [("en", "answers from"), ("de", "Antworten aus"), ("es", "respuestas de")])
def test_the_manifest_speaks_the_language_of_its_address(client: Client, code: str, name: str) -> None:
    answer = client.get(f"/manifest/{code}.webmanifest")
    assert answer["Content-Type"] == "application/manifest+json"
    found = json.loads(answer.content)
    assert name in found["name"] and found["lang"] == code and found["start_url"] == found["scope"] == "/"
    target = found["share_target"]
    assert (target["action"], target["method"], target["enctype"]) == ("/share/", "POST", "multipart/form-data")
    accepted = target["params"].pop("files")
    assert target["params"] == {"title": "title", "text": "text", "url": "url"}
    assert accepted[0]["name"] == "files" and {"image/*", ".pdf", ".docx"} <= set(accepted[0]["accept"])
    for icon in found["icons"]:
        content = (STATIC / icon["src"].removeprefix("/static/")).read_bytes()
        if icon["type"] == "image/png":
            assert "x".join(map(str, struct.unpack(">II", content[16:24]))) == icon["sizes"]


def test_manifest_colours_are_those_of_the_pages() -> None:
    text = (STATIC / "css" / "variables.css").read_text()
    assert f"--accent: light-dark({ACCENT}," in text and f"--paper: light-dark({PAPER}," in text


@pytest.mark.django_db
def test_a_language_that_there_is_not_is_not_found(client: Client) -> None:
    make_user("ada", "administrator")
    assert client.get("/manifest/xx.webmanifest").status_code == client.get("/offline/xx/").status_code == 404


@pytest.mark.django_db
def test_manifest_and_service_worker_are_served_before_set_up(client: Client) -> None:
    for address in ("/manifest/en.webmanifest", "/offline/en/", "/service-worker.js"):
        assert client.get(address).status_code == 200


@pytest.mark.django_db
def test_the_page_without_a_line_is_the_same_for_everybody(client: Client) -> None:
    alice = make_user("alice")
    make_user("ada", "administrator")
    nobodys = client.get("/offline/de/")
    client.force_login(alice)
    alices = client.get("/offline/de/")
    assert nobodys.content == alices.content and "nicht erreichbar" in alices.content.decode()
    assert "Alice" not in alices.content.decode() and not alices.cookies


@pytest.mark.django_db
def test_page_links_to_its_manifest(client: Client) -> None:
    make_user("ada", "administrator")
    assert '<link rel="manifest" href="/manifest/en.webmanifest">' in client.get("/accounts/login/").content.decode()


@pytest.mark.django_db
def test_shared_text_is_reported_lost_without_the_service_worker() -> None:
    make_user("ada", "administrator")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(make_user("alice"))
    answer = strict.post("/share/", {"text": "Read this"}, follow=True)
    assert answer.redirect_chain == [("/", 302)]
    assert "What you shared did not arrive" in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(("site", "taken"), [("none", True), ("same-origin", True), ("cross-site", False)])
def test_files_of_the_service_worker_are_attached_unless_another_site_leads_here(
    client: Client, site: str, taken: bool
) -> None:
    make_user("ada", "administrator")
    client.force_login(make_user("alice"))
    page = client.get("/?files=1", headers={"Sec-Fetch-Site": site}).content.decode()
    assert ("data-shared-files" in page) is taken
