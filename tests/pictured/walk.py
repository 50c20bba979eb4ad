"""Browser steps that fill the pictured site before screenshots: set-up, then conversations of Maya and Tom."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from uuid import UUID

from PIL import Image, ImageDraw, ImageFont

from tests.journeys.chat import ask, ended, open_sources, show_controls
from tests.journeys.site import Site, until
from tests.pictured import model
from tests.pictured.camera import Camera
from tests.pictured.content import HOST
from tests.pictured.pages import ADA, MAYA, TOM
from tests.support.password import PASSWORD

LONG_MS = 120_000
SIGN = "a bicycle"
ADDRESSES = {  # URL with {} for the id, and the rest of the SQL that finds it
    "manuals": "collections/{} from documents_collection where name = 'Building manuals'",
    "house": "collections/{} from documents_collection where name = 'House handbook'",
    "board": "collections/{} from documents_collection where name = 'Board'",
    "plant": "documents/{} from documents_document where name = 'heating-plant.pdf'",
    "solar": "documents/{} from documents_document where name = 'solar-roof.csv'",
    "assistant": "assistants/{} from conversations_assistant where name = 'Caretaker'",
    "prompt": "prompts/{} from conversations_savedprompt where name = 'notice'",
    "group": "people/groups/{} from auth_group where name = 'Board'",
    "picture": "pictures/{} from images_picture where status = 'ready' order by created",
}


def settled(site: Site) -> None:
    """Wait until no document, picture or run is waiting or being worked on."""
    asks = (
        "select 1 from documents_document where status in ('queued', 'working')",
        "select 1 from images_picture where status in ('queued', 'working')",
        "select 1 from evaluation_goldenrun where status in ('waiting', 'running')",
        "select 1 from evaluation_answerrun where status in ('waiting', 'running')",
    )
    until(lambda: not any(site.rows(question) for question in asks), patience_s=240)


def address(site: Site, name: str) -> str:
    """Return the URL of that name in ADDRESSES."""
    begin, _, rest = ADDRESSES[name].partition("{}")
    pk = site.rows(f"select id {rest}")[0][0]
    return f"/{begin}{UUID(pk) if isinstance(pk, str) else pk}/"  # SQLite stores UUIDs without dashes


def set_up(camera: Camera, folder: Path) -> str:
    """Create the first administrator and ask the sample question. Return the URL of that conversation.

    Takes a picture of each step.
    """
    page = camera.page()
    page.goto(camera.url)
    page.get_by_label("Your name").fill("Ada Keller")
    page.get_by_label("E-mail address").fill(f"{ADA}@{HOST}")
    camera.keep(page, folder / "setup.webp")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    page.locator("#setup-model.done").wait_for(timeout=LONG_MS)
    page.locator("#setup-embedding.done").wait_for(timeout=LONG_MS)
    page.get_by_role("button", name="Load the handbook").click()
    page.locator("#setup-sample.done").wait_for(timeout=LONG_MS)
    camera.keep(page, folder / "setup-checks.webp")
    page.locator("#setup-sample button[name=question]").first.click()
    ended(page.locator("[data-turn]").first)
    camera.keep(page, folder / "first-answer.webp")
    camera.remember(ADA, page)
    found = str(page.url).removeprefix(camera.url)
    camera.close(("", page.viewport_size["width"], "light"))
    return found


def talk(camera: Camera) -> dict[str, str]:
    """Ask the questions of Maya and Tom. Return the URLs of conversations and links by name."""
    found = {}
    page = camera.page(MAYA)
    found["nothing"] = _asked(camera, page, model.OFF_TOPIC)
    _asked(camera, page, model.DOG)
    found["tool"] = _asked(camera, page, model.SHARE)
    _asked(camera, page, model.SOLAR)
    found["guests"] = _asked(camera, page, model.GUEST_FLAT, model.LAUNDRY)
    found["notice"] = _asked(camera, page, model.NOTICE)
    _again(page)
    found["compare"] = page.get_by_role("link", name="Compare").get_attribute("href")
    found["attached"] = _attached(camera, page)
    found["boiler"] = _asked(camera, page, model.PRESSURE, model.EXHAUST)
    open_sources(page.locator("[data-turn]").first).locator("a.passage").first.click()
    found["passage"] = page.get_by_role("link", name="Open in the document").get_attribute("href")
    found["drawn"] = _drawn(camera, page)
    _asked(camera, page, model.LAUNDRY)
    page = camera.page(TOM)
    _asked(camera, page, model.LIFT)
    _asked(camera, page, model.MOVING)
    return found


def _asked(camera: Camera, page: Any, *questions: str) -> str:
    page.goto(camera.url)
    for question in questions:
        ended(ask(page, question))
    page.wait_for_url("**/c/**")
    return str(page.url).removeprefix(camera.url)


def _again(page: Any) -> None:
    """Regenerate the last answer with another style."""
    show_controls(page)
    page.locator("[data-sampling] summary").first.click()
    page.locator("[data-sampling] input[value=creative]").check()
    page.keyboard.press("Escape")
    page.locator('[data-do="retry"]').click()
    ended(page.locator("[data-turn]").last)


def _note(words: str) -> bytes:
    """Return a PNG with these words."""
    picture, file = Image.new("RGB", (760, 160), "#fdf6d8"), io.BytesIO()
    ImageDraw.Draw(picture).text((30, 55), words, fill="#223", font=ImageFont.load_default(size=36))
    picture.save(file, "PNG")
    return file.getvalue()


def _attached(camera: Camera, page: Any) -> str:
    page.goto(camera.url)
    page.locator("[data-chat][data-ready]").wait_for()
    note = {"name": "note.png", "mimeType": "image/png", "buffer": _note("Pressure low? Blue valve, 1.5 bar. Tom")}
    page.locator("[data-attach-file]").set_input_files([note])
    page.locator("[data-attached-chips] [data-attached]").wait_for()
    ended(ask(page, model.ATTACHED))
    page.wait_for_url("**/c/**")
    return str(page.url).removeprefix(camera.url)


def _drawn(camera: Camera, page: Any) -> str:
    """Draw pictures in the gallery and one in a conversation, once the worker has described its model. Return its
    URL."""
    page.goto(f"{camera.url}/pictures/")
    for _ in range(240):  # seconds
        if page.get_by_role("button", name="Create", exact=True).count():
            break
        page.wait_for_timeout(1000)
        page.reload()
    for prompt in ("an evergreen tree", "a key", "an umbrella", "a cat"):
        page.get_by_label("Describe the picture").fill(prompt)
        page.get_by_role("button", name="Create", exact=True).click()
        page.locator(".tile").first.wait_for()
    page.goto(camera.url)
    turn = ended(ask(page, f"/picture {SIGN}"))
    turn.locator("[data-picture][data-status=ready]").first.wait_for(timeout=LONG_MS)
    page.wait_for_url("**/c/**")
    return str(page.url).removeprefix(camera.url)
