"""Factory of the objects that tests need: users, collections, indexed documents, passages and review cases.

Everything that more than one test module creates is made here; shared fixtures are in the `conftest.py` files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from allauth.account.models import EmailAddress
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client

from apps.conversations.models import Conversation, Message, Share
from apps.documents.indexing import index_maintenance
from apps.documents.ingestion.pipeline import ingest
from apps.documents.library.uploads import store_upload
from apps.documents.models import Chunk, Collection, Document, Page
from apps.engines import registry
from apps.engines.classify.fake import LABELS
from apps.evaluation.golden_questions import runs
from apps.evaluation.models import GoldenQuestion
from apps.grounding.passage import Passage
from apps.lib.text.text_normalization import normalize_text
from apps.reading.chunking.chunker import compose_embedding_text
from apps.safety.models import Case, Decision, Notice
from apps.safety.moderation import appeals, cases, enforcement, reviewable
from apps.safety.moderation.cases import FlaggedContent
from apps.safety.moderation.decision_input import DecisionInput
from apps.safety.moderation.reviewable import ContextItem
from apps.safety.policy.evaluation import PolicyResult, Signal, SignalStatus
from apps.safety.policy.schema import Action
from apps.users.models import User
from tests.support.password import PASSWORD

NOTE_KIND = "note"
SECRET = "Quixotrine of Mooring Lane 7"
SECRET_TEXT = f"Boats are moored along the wall by {SECRET}."


def make_user(name: str, role: str = "member") -> User:
    """Create a user with a verified address NAME@example.org and the password `PASSWORD`.

    By convention Alice owns, Bob may read, Charlie may not, Morgan and Robin review, Ada administers.
    """
    user = User.objects.create_user(f"{name}@example.org", PASSWORD, name=name.title(), role=role)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def make_client(user: User) -> Client:
    """Return a browser in which the user is signed in."""
    client = Client()
    client.force_login(user)
    return client


def get_page(user: User, path: str) -> str:
    """Return what the user gets at this path, which must be there."""
    response = make_client(user).get(path)
    assert response.status_code == 200
    return bytes(response.content).decode()


def get_reviewer(name: str) -> User:
    """Return the reviewer of that name, created if missing."""
    return User.objects.filter(email=f"{name}@example.org").first() or make_user(name, User.Role.REVIEWER)


@dataclass(frozen=True)
class Section:
    """Chunk of a page."""

    text: str
    heading: str = ""
    page: int = 1


def make_collection(owner: User, name: str = "Library") -> Collection:
    """Create an empty collection."""
    return Collection.objects.create(owner=owner, name=name)


def make_document(collection: Collection, title: str, sections: Sequence[Section | str]) -> Document:
    """Create a ready document without a worker: rows and index as ingestion leaves them.

    There is one chunk per section. The sections of a page are separated by blank lines.
    """
    parts = [section if isinstance(section, Section) else Section(section) for section in sections]
    document = Document.objects.create(
        collection=collection, name=f"{title}.md", title=title, file=f"documents/{uuid4()}", sha256=uuid4().hex * 2,
        size=1, kind="markdown", status=Document.Status.READY, pages_count=max(part.page for part in parts),
    )  # fmt: skip
    pages: dict[int, str] = {}
    chunks = []
    for position, part in enumerate(parts):
        before = pages.get(part.page, "")
        start = len(before) + (2 if before else 0)
        pages[part.page] = f"{before}\n\n{part.text}" if before else part.text
        chunks.append(
            Chunk(
                document=document, position=position, page_number=part.page, char_start=start,
                char_end=start + len(part.text), heading=part.heading, text=normalize_text(part.text), tokens=1,
            )
        )  # fmt: skip
    Page.objects.bulk_create(Page(document=document, number=number, text=text) for number, text in pages.items())
    index_chunks(document, chunks)
    return document


def upload_file(
    collection: Collection, name: str, content: bytes | str, *, path: str = "", user: User | None = None
) -> Document:
    """Upload a file as the owner of the collection, or as `user`, and return its waiting document."""
    content = content.encode() if isinstance(content, str) else content
    return store_upload(user or collection.owner, collection, SimpleUploadedFile(name, content), path)


def ingest_file(collection: Collection, name: str, content: bytes | str, **options: Any) -> Document:
    """Upload a file as `upload_file` does, ingest it, and return its document, whatever the result."""
    document = upload_file(collection, name, content, **options)
    ingest(document.pk)
    document.refresh_from_db()
    return document


def make_secret_document(collection: Collection) -> Document:
    """Create a document of two passages, the second of which is SECRET_TEXT."""
    sections = [Section("The quay was built of granite.", "Quay"), Section(SECRET_TEXT, "Boats")]
    return make_document(collection, "Harbour", sections)


def redact_document(reviewer: User, document: Document, terms: str = SECRET) -> Decision:
    """Let the reviewer decide a new case by redacting the terms in the document."""
    flagged = FlaggedContent(
        "document", str(document.pk), "passage", SECRET_TEXT, document.collection.owner_id,
        PolicyResult(Action.REVIEW, "secrets"),
    )  # fmt: skip
    case = cases.claim_case(reviewer, cases.flag_content(flagged).pk)
    assert Decision.Outcome.REDACT in enforcement.possible_outcomes(case)
    return cases.decide_case(reviewer, case.pk, make_decision_input(case, "redact", redact_terms=(terms,)))


def revert_decision(decision: Decision, user: User) -> None:
    """Undo the effects of the decision as the user."""
    with transaction.atomic():
        enforcement.revert_effects(decision, user)


def index_chunks(document: Document, chunks: list[Chunk]) -> None:
    """Store the chunks of a document with vectors, in a segment of their own."""
    embed = registry.get_embedder()
    vectors = embed.embed_passages([compose_embedding_text(str(document), chunk.text) for chunk in chunks])
    for chunk, vector in zip(chunks, vectors, strict=True):
        chunk.vector, chunk.fingerprint = vector.tobytes(), embed.fingerprint
    stored = Chunk.objects.bulk_create(chunks)
    entries = [chunk.entry for chunk in stored]
    segment = index_maintenance.create_segment(
        registry.get_index().write(document.collection_id.hex, entries, vectors, embed.fingerprint)
    )
    Chunk.objects.filter(document=document).update(segment=segment)


def make_passage(
    text: str, *, title: str = "Handbook", heading: str = "", start: int = 0, relevance: float = 0.8
) -> Passage:
    """Return a passage of a text document with this text as its only span."""
    end = start + len(text)
    return Passage(
        chunk_id=1, document_id=uuid4(), collection_id=uuid4(), title=title, kind="text", page_number=1,
        heading=heading, spans=((start, end),), text=text, full_start=start, full_end=end, full_text=text,
        relevance=relevance, cosine=0.6, bm25=3.0,
    )  # fmt: skip


class Notes:
    """Reviewable kind whose `state` by subject is changed by `withhold` and restored by `restore`."""

    name = "a note"

    def __init__(self) -> None:
        self.state: dict[str, str] = {}

    def exists(self, subject: str) -> bool:
        return subject in self.state

    def context(self, subject: str) -> list[ContextItem]:
        return [ContextItem("Before", "What was said before")]

    def withhold(self, subject: str, message: str) -> dict[str, Any]:
        before = self.state[subject]
        self.state[subject] = f"withheld: {message}"
        return {"state": before}

    def restore(self, subject: str, restore_data: dict[str, Any]) -> None:
        self.state[subject] = restore_data["state"]


def register_notes() -> Notes:
    """Return new notes, registered as the reviewable kind NOTE_KIND."""
    notes = Notes()
    reviewable.register_reviewable(NOTE_KIND, notes)
    return notes


def make_note_case(owner: User, subject: str = "1", *, code: str = "hate", severity: int = 3, text: str = "") -> Case:
    """Open a case about the owner's note `subject`, found by the fake classifier under the clause `code`."""
    outcome = PolicyResult(Action.SEND, code, severity, 0.97)
    signal = Signal("text", "text-fake", SignalStatus.OK, dict.fromkeys(LABELS, 0.01) | {code: 0.97})
    return cases.flag_content(
        FlaggedContent(NOTE_KIND, subject, "question", text or f"some [{code}] text", owner.pk, outcome, (signal,))
    )


def make_decision_input(case: Case, outcome: str = "block", reason: str = "clear", **details: Any) -> DecisionInput:
    """Return the form of a decision, as the reviewer who claimed the case sends it."""
    return DecisionInput(case.lease_token, case.version, outcome, reason, **details)


def decide_case(reviewer: User, case: Case, outcome: str = "block", reason: str = "clear", **details: Any) -> Decision:
    """Let the reviewer claim and decide the case."""
    claimed = cases.claim_case(reviewer, case.pk)
    return cases.decide_case(reviewer, case.pk, make_decision_input(claimed, outcome, reason, **details))


def decide_note(owner: User, reviewer: User, subject: str = "1", outcome: str = "block", **details: Any) -> Decision:
    """Open a case as `make_note_case` does, and let the reviewer decide it."""
    return decide_case(reviewer, make_note_case(owner, subject, **details), outcome)


def share_conversation(conversation: Conversation, **options: str) -> str:
    """Share the conversation as its owner, by default with passages and without an end; return the path of the link."""
    data = {"sources": "passages", "days": "", **options}
    make_client(conversation.owner).post(f"/c/{conversation.pk}/share/", data)
    return f"/shared/{Share.objects.get(conversation=conversation).secret}/"


def make_exchange(
    owner: User, question: str = "How high is it?", answer: str = "About 100 metres.", *, after: Message | None = None,
    conversation: Conversation | None = None, title: str = "Lighthouse", **fields: Any,
) -> Message:  # fmt: skip
    """Store a question of the owner with its answer, and return the answer, which has the `fields`.

    The exchange follows the answer `after`, else it begins the conversation, else a new one with this title.
    """
    if conversation is None:
        conversation = after.conversation if after else Conversation.objects.create(owner=owner, title=title)
    both = {"conversation": conversation, "asked_by": owner}
    asked = Message.objects.create(role="user", parent=after, text=question, **both)
    return Message.objects.create(role="assistant", parent=asked, text=answer, **both, **fields)


def make_golden_question(collection: Collection, text: str, **criteria: Any) -> GoldenQuestion:
    """Add a golden question as the owner; `criteria` are `document`, `chunk` and `expected_words`."""
    given = {"document": None, "chunk": None, "expected_words": "", **criteria}
    return runs.add_question(collection.owner, collection, text, **given)


def get_first_answer(conversation: Conversation) -> Message:
    """Return the oldest answer of the conversation, with its question."""
    return conversation.messages.filter(role="assistant").select_related("parent").earliest("created")


def flag_text(
    owner: User | None, kind: str, subject: object, text: str = "some text", *, stage: str = "", code: str = "hate",
    action: Action = Action.SEND, severity: int = 3,
) -> Case:  # fmt: skip
    """Flag the owner's text of that kind and return the case. The stage is named like the kind unless given."""
    result = PolicyResult(action, code, severity, 0.97)
    return cases.flag_content(
        FlaggedContent(kind, str(subject), stage or kind, text, owner.pk if owner else None, result)
    )


def flag_message(answer: Message, kind: str = "answer", clause: str = "hate") -> Case:
    """Flag the answer, or its question, for review and return the case."""
    text = answer.parent.text if kind == "question" and answer.parent else answer.text
    return flag_text(answer.asked_by, kind, answer.pk, text, code=clause, action=Action.REVIEW)


def withhold_message(answer: Message, kind: str = "answer", clause: str = "hate") -> Case:
    """Let Morgan withhold the answer, or its question, and return the case."""
    morgan, case = get_reviewer("morgan"), flag_message(answer, kind, clause)
    decide_case(morgan, case)
    return case


def overturn_decision(case: Case) -> None:
    """Let the user appeal, and Robin overturn the decision."""
    notice = Notice.objects.get(case=case, decision__outcome="block")
    assert notice.user is not None
    appeals.submit_appeal(notice.user, notice, "It was a quotation.")
    robin = get_reviewer("robin")
    claimed = cases.claim_case(robin, case.pk)
    appeals.decide_appeal(robin, case.pk, make_decision_input(claimed, "overturn", "mistake"))
