"""Seed what follows conversations on the pictured site: titles, dates, feedback, links, exports, mails."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from tests.conversations.transfer.foreign_exports import chatgpt, node
from tests.pictured import model
from tests.pictured.content import ADA, HOST, MAYA, TOM, user

TITLES = {
    model.PRESSURE: ("Boiler shows E4", 0.02), model.GUEST_FLAT: ("Guest flat: nights and prices", 0.1),
    model.NOTICE: ("Notice about the water", 0.3), model.SOLAR: ("Own use of the solar roof", 1),
    model.SHARE: ("Share of the solar roof", 1.2),
    model.LAUNDRY: ("Laundry on Sundays", 2), model.DOG: ("Permission for a dog", 4),
    model.MOVING: ("Notice before moving out", 9), model.OFF_TOPIC: ("Composer of Wozzeck", 12),
    model.ATTACHED: ("The note at the boiler", 3), "/picture": ("A sign for the cellar", 6),
}  # fmt: skip


def tidy() -> str:
    """Seed everything. Return values for URLs as `name=value` lines."""
    from apps.conversations.models import Conversation, Folder

    maya = user(MAYA)
    office = Folder.objects.create(owner=maya, name="Board")
    for row in Conversation.objects.filter(owner__email__in=(MAYA, TOM)):
        first = row.messages.filter(role="user").order_by("created").first()
        for question, (title, days) in TITLES.items():
            if first is not None and first.text.startswith(question):
                when = timezone.now() - timedelta(days=days)
                kept = office if question in (model.NOTICE, model.SOLAR) and row.owner_id == maya.pk else None
                changes = {
                    "title": title,
                    "title_origin": "model",
                    "changed": when,
                    "seen": timezone.now(),
                    "folder": kept,
                }
                Conversation.objects.filter(pk=row.pk).update(**changes)
    Conversation.objects.filter(owner=maya, title="Guest flat: nights and prices").update(pinned=timezone.now())
    found = {**_opinions(), **_kept(), **_mailed()}
    return "\n".join(f"{name}={value}" for name, value in found.items())


def _opinions() -> dict[str, Any]:
    """Create ratings by Tom and Maya, and a shared link of Maya's."""
    from apps.conversations.feedback import rating
    from apps.conversations.models import Conversation, Message
    from apps.conversations.sharing import links

    ratings = {
        (TOM, model.LIFT): (True, [], "Exactly what stands in the manual."),
        (TOM, model.MOVING): (False, ["outdated"], "From January on it is two months for those who move within the "
        "houses."),
        (MAYA, model.LAUNDRY): (True, [], ""),
        (MAYA, model.DOG): (False, ["citation"], "The rule also names small animals; the pill leads to the balconies."),
    }  # fmt: skip
    row = None
    for (email, question), (good, reasons, note) in ratings.items():
        message = Message.objects.filter(role="user", asked_by__email=email, text=question).latest("created")
        row = rating.save_rating(user(email), message.children.get(), good)
        rating.save_details(user(email), row, {"reasons": reasons, "note": note, "report": False, "lend": email == TOM})
    conversation = Conversation.objects.get(owner__email=MAYA, title="Guest flat: nights and prices")
    share = links.enable_link(conversation.owner, conversation, None, "passages", "30")
    return {"feedback": row.pk if row else "", "secret": share.secret if share else ""}


def _kept() -> dict[str, Any]:
    """Create an export of Maya's data, the receipt of an erasure, and an import."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    from apps.conversations.transfer import import_job
    from apps.privacy import data_export, erasure
    from apps.privacy.models import DataRequest

    maya, now = user(MAYA), timezone.now()
    # Stored as done: otherwise the worker would write it too.
    wish = DataRequest.objects.create(kind="export", user=maya, user_pk=maya.pk, status="done", ended=now)
    counts, sha256, size = data_export.write_archive(wish, maya)
    DataRequest.objects.filter(pk=wish.pk).update(counts=counts, sha256=sha256, size=size)
    counts = {"conversations": 37, "documents": 4, "collections": 1, "pictures": 6, "other rows": 212}
    gone = DataRequest.objects.create(kind="erase", user_pk=41, counts=counts)
    erasure.finish(gone, "")
    chats = [
        chatgpt(node("u1", "root", "user", "A soup for twenty people?"),
                node("a1", "u1", "assistant", "Lentils, two kilograms."), title="Soup for the party", name="c-1"),
        chatgpt(node("u1", "root", "user", "How do I word a reminder of rent?"),
                node("a1", "u1", "assistant", "Friendly, with sum and date."), title="Reminder of rent", name="c-2"),
        {"title": "Unfinished"},
    ]  # fmt: skip
    row = import_job.create_import(maya, SimpleUploadedFile("conversations.json", json.dumps(chats).encode()))
    return {"receipt": gone.pk, "copy": wish.pk, "import": row.pk, "tom": user(TOM).pk}


def _mailed() -> dict[str, Any]:
    """Return the last parts of links in mails: confirm an address, reset a password, sign up."""
    from allauth.account.forms import default_token_generator
    from allauth.account.models import EmailAddress, EmailConfirmationHMAC
    from allauth.account.utils import user_pk_to_url_str

    from apps.users.invitations import create_invitation
    from apps.users.models import User

    elif_, tom = user(f"elif.demir@{HOST}"), user(TOM)
    EmailAddress.objects.filter(user=elif_).update(verified=False)
    User.objects.filter(pk=elif_.pk).update(last_login=timezone.now())
    return {
        "confirm": EmailConfirmationHMAC(EmailAddress.objects.get(user=elif_)).key,
        "reset": f"{user_pk_to_url_str(tom)}-{default_token_generator.make_token(tom)}",
        "invitation": create_invitation(user(ADA), f"lena.hoff@{HOST}").partition("?invitation=")[2],
    }


def folder(conversation: Path) -> None:
    """Create a folder of the server with files to synchronise a collection with."""
    letters = conversation / "Letters of 2026"
    letters.mkdir(parents=True)
    for name, text in {
        "01-rent-table.md": "# Rents of 2026\n\nThe rent goes up by 1.8 percent on 1 March 2026.",
        "02-summer-party.md": "# Summer party\n\nIt is on 4 July in the yard, from 15:00.",
        "03-windows-house-6.md": "# Windows\n\nThe windows of house 6 are renewed in the summer of 2027.",
    }.items():
        (letters / name).write_text(text)
