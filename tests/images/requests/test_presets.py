"""Presets of the picture form: saved, applied, renamed and deleted by their owner only."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from django.test import Client

from apps.engines.image.fake import FakePainter
from apps.images.generation import model_info
from apps.images.models import Picture, Preset
from apps.images.requests import presets
from apps.privacy import data_export
from apps.users.models import User
from tests.factories import make_client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("painter")]
ALL = {
    "count": "2", "shape": "wide", "style": "water", "quality": "fine", "negative": "people", "steps": "9",
    "guidance": "3.5", "seed": "7", "scheduler": "Uneven",
}  # fmt: skip
HTMX = {"HX-Request": "true"}


def kept(alice_client: Client, name: str = "Harbour", **also: str) -> Any:
    return alice_client.post("/pictures/presets/", {**ALL, "prompt": "", "name": name, **also}, headers=HTMX)


def said(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def filled(answer: Any) -> dict[str, str]:
    """Return the values of the form's fields on the page."""
    text = answer.content.decode()
    values = dict(re.findall(r'<input [^>]*?name="(\w+)" value="([^"]*)"', text))
    for name, options in re.findall(r'<select name="(\w+)".*?>(.*?)</select>', text, re.S):
        values[name] = (re.findall(r'value="([^"]*)" selected', options) or [""])[0]
    return values


def test_preset_keeps_all_settings_and_fills_the_studio(alice_client: Client, alice: User) -> None:
    assert "“Harbour” saved." in said(kept(alice_client))
    row = Preset.objects.get(owner=alice)
    assert row.settings == ALL | {"count": 2, "steps": 9, "guidance": 3.5, "seed": 7}
    shown = filled(alice_client.get(f"/pictures/?preset={row.pk}"))
    assert {name: shown[name] for name in ALL} == ALL
    offered = re.search(r'data-preset="([^"]*)"', alice_client.get("/pictures/").content.decode())
    assert offered and json.loads(html.unescape(offered[1])) == row.settings, "the page fills them in by itself"


def test_a_picture_that_is_asked_for_with_it_is_drawn_by_it(alice_client: Client) -> None:
    kept(alice_client)
    shown = filled(alice_client.get(f"/pictures/?preset={Preset.objects.get().pk}"))
    assert (
        alice_client.post("/pictures/", {"prompt": "A pier", **{name: shown[name] for name in ALL}}).status_code == 302
    )
    rows = Picture.objects.order_by("seed")
    assert [(row.seed, row.steps, row.scheduler, row.guidance) for row in rows] == [
        (7, 9, "Uneven", 3.5),
        (8, 9, "Uneven", 3.5),
    ]
    assert all("watercolour" in row.prompt and "people" in row.negative for row in rows)


def test_preset_saved_under_the_same_name_gets_the_new_settings(alice_client: Client) -> None:
    kept(alice_client)
    kept(alice_client, " Harbour ", steps="12", seed="")
    row = Preset.objects.get()
    assert row.settings["steps"] == 12 and "seed" not in row.settings


@pytest.mark.parametrize(
    ("name", "also", "words"),
    [
        (" ", {}, "Enter a name first."), ("x" * 61, {}, "at most 60 characters"),
        ("Harbour", {"steps": "many"}, "Steps: Enter a whole number."), ("Harbour", {"scheduler": "Nobody"}, "Nobody"),
        ("Harbour", {"count": ""}, "cannot be saved"), ("Harbour", {"guidance": "nan"}, "Guidance"),
    ],
)  # fmt: skip
def test_preset_that_cannot_be_saved_says_why(
    alice_client: Client, name: str, also: dict[str, str], words: str
) -> None:
    answer = kept(alice_client, name, **also)
    assert answer.status_code == 200 and words in said(answer)
    assert not Preset.objects.exists()


def test_preset_count_is_limited(alice_client: Client, alice: User) -> None:
    Preset.objects.bulk_create(Preset(owner=alice, name=str(number)) for number in range(presets.MAX_PRESETS))
    assert "Delete one first" in said(kept(alice_client))
    assert "saved." in said(kept(alice_client, "7")), "one that is there may still change"


def test_preset_is_renamed_and_deleted(alice_client: Client) -> None:
    kept(alice_client)
    kept(alice_client, "Pier")
    row = Preset.objects.get(name="Harbour")
    address = f"/pictures/presets/{row.pk}/"
    assert "already have a preset with this name" in said(alice_client.post(address, {"name": "Pier"}, headers=HTMX))
    assert "Enter a name first" in said(alice_client.post(address, {"name": ""}, headers=HTMX))
    assert "Renamed." in said(alice_client.post(address, {"name": "Quay"}, headers=HTMX))
    assert set(Preset.objects.values_list("name", flat=True)) == {"Quay", "Pier"}
    answer = alice_client.post(address + "delete/", headers=HTMX)
    assert "Deleted." in said(answer) and "Quay" not in said(answer) and Preset.objects.get().name == "Pier"


def test_preset_saved_without_scripts_is_confirmed_in_the_studio(alice_client: Client) -> None:
    answer = alice_client.post("/pictures/presets/", {**ALL, "name": "Harbour"}, follow=True)
    assert "“Harbour” saved." in said(answer) and answer.redirect_chain[0][0] == "/pictures/"


def test_preset_settings_that_the_model_lacks_are_left_out_and_named(
    alice_client: Client, painter: FakePainter
) -> None:
    kept(alice_client, steps="45")
    row = Preset.objects.get()
    Preset.objects.update(settings=row.settings | {"scheduler": "Gone", "steps": 90, "shape": "round"})
    answer = alice_client.get(f"/pictures/?preset={row.pk}")
    assert "does not support it: " in said(answer)
    assert {"Shape", "Steps", "Scheduler"} <= set(re.findall(r"[A-Z]\w+", said(answer).split("support it: ")[1][:60]))
    assert filled(answer)["seed"] == "7"
    painter.names = ("ship",)  # a painter without negatives and styles
    model_info.record_model(painter.model())
    assert alice_client.get(f"/pictures/?preset={row.pk}").status_code == 200


def test_presets_are_neither_seen_nor_changed_by_others(alice_client: Client, bob: User) -> None:
    kept(alice_client, negative="Zephyrine")
    row = Preset.objects.get()
    other = make_client(bob)
    assert "Harbour" not in said(other.get(f"/pictures/?preset={row.pk}"))
    for address in (f"/pictures/presets/{row.pk}/", f"/pictures/presets/{row.pk}/delete/"):
        assert other.post(address, {"name": "Mine"}).status_code == 404
    assert Preset.objects.get().name == "Harbour"


def test_a_copy_holds_them_and_erasure_takes_them(alice_client: Client, alice: User) -> None:
    kept(alice_client, negative="Zephyrine")
    copied = dict(data_export._archive_parts(alice))["rows/images.preset.json"]
    assert copied[0]["name"] == "Harbour" and copied[0]["settings"]["negative"] == "Zephyrine"
    alice.delete()
    assert not Preset.objects.exists()
    assert "your saved settings" in said(Client().get("/privacy/"))
