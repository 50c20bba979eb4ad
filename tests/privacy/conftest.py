"""Fixture of Alice's data: collection with a file, conversation, token, decided case."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.conversations.models import Conversation, Message
from apps.documents.ingestion.pipeline import ingest
from apps.documents.library.uploads import store_upload
from apps.documents.models import Collection, Document
from apps.images.models import Preset
from apps.safety.models import Case, Notice
from apps.safety.moderation import cases
from apps.safety.moderation.decision_input import DecisionInput
from apps.users.api_tokens import create_token
from apps.users.models import User
from tests.factories import make_note_case, register_notes

MARK = "Zephyrine"  # a word in all data of Alice, and in no other


@dataclass
class Life:
    """Data of Alice; `file` is the path of her uploaded document."""

    shelf: Collection
    paper: Document
    talk: Conversation
    case: Case

    @property
    def file(self) -> Path:
        return Path(settings.MEDIA_ROOT) / str(self.paper.file)


@pytest.fixture
def life(alice: User, morgan: User, ada: User) -> Life:
    """Create data of Alice: collection, document, conversation with a file, token, preset, a case decided by Morgan."""
    collection = Collection.objects.create(owner=alice, name=f"{MARK} shelf")
    paper = store_upload(alice, collection, SimpleUploadedFile("paper.txt", f"{MARK} wrote this down.\n".encode()))
    ingest(paper.pk)
    paper.refresh_from_db()
    conversation = Conversation.objects.create(owner=alice, title=f"{MARK} talk")
    conversation.files = Collection.all_objects.create(owner=alice, of_chat=True)
    conversation.save()
    ingest(
        store_upload(alice, conversation.files, SimpleUploadedFile("chat.txt", f"{MARK} attached this.\n".encode())).pk
    )
    question = Message.objects.create(
        conversation=conversation, role="user", text=f"{MARK}?", asked_by=alice, client_id="1"
    )
    Message.objects.create(
        conversation=conversation, parent=question, role="assistant", text=f"{MARK}.", asked_by=alice
    )
    create_token(alice, f"{MARK} token", ["read"], 30)
    Preset.objects.create(owner=alice, name=f"{MARK} preset", settings={"negative": MARK})
    noted = register_notes()
    noted.state["1"] = f"{MARK} note"
    opened = make_note_case(alice)
    cases.claim_case(morgan, opened.pk)
    cases.read_case(morgan, opened.pk)
    held = Case.objects.get(pk=opened.pk)
    cases.decide_case(morgan, held.pk, DecisionInput(held.lease_token, held.version, "block", "clear"))
    noted.state.clear()  # no restore data of hers is left, as after an erasure of her other data
    assert Notice.objects.filter(user=alice).exists()
    return Life(collection, paper, conversation, Case.objects.get(pk=opened.pk))
