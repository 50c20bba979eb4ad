"""Chats from elsewhere are brought along: by whoever uploads them, once, whole, judged, and shown as what they are."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from apps.conversations.core.message_tree import find_path
from apps.conversations.errors import RequestRefused
from apps.conversations.history import tags
from apps.conversations.history.conversation_actions import delete_conversations
from apps.conversations.models import Conversation, Message
from apps.conversations.models.import_job import ImportItem, ImportJob
from apps.conversations.transfer import conversation_import, export, import_job
from apps.safety.models import Case
from apps.safety.policy import versions
from apps.safety.policy.verdicts import Verdict
from apps.users.models import User
from tests.conversations.transfer.foreign_exports import chatgpt, librechat, node, open_webui, roll_back

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_file_stays() -> Iterator[None]:
    yield
    assert not [
        path.name
        for path in import_job.get_import_folder().iterdir()
        if ImportJob.objects.filter(pk=path.name, ended=None)
    ]


def bring(user: User, data: Any) -> ImportJob:
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    row = import_job.create_import(user, SimpleUploadedFile("chats.json", body))
    import_job.run_import(str(row.pk))
    row.refresh_from_db()
    return row


def states(row: ImportJob) -> list[str]:
    return [item.state for item in row.items.all()]


def test_a_file_of_several_becomes_conversations(alice: User) -> None:
    row = bring(alice, [roll_back(), {"title": "Corrupted"}, open_webui()])
    assert row.status == "done" and states(row) == ["imported", "skipped", "imported"]
    first, broken, _ = row.items.all()
    assert (first.note, broken.title) == ("Pictures and files missing from this file: 1.", "Corrupted")
    conversation = Conversation.objects.get(title="Staging")
    assert (conversation.owner, conversation.imported_from, str(conversation.folder)) == (alice, "ChatGPT", "ChatGPT")
    path = find_path(conversation.messages.all())
    assert [(item.question.text, item.answer and item.answer.text) for item in path] == [
        ("How do I roll back?", "Let me look.\n\nRun `helm rollback`."),
        ("What is this?", "A chart."),
    ]
    assert len(path[0].answers) == 2 and path[0].question.created.year == 2025
    assert conversation.created.year == 2025 and conversation.changed > timezone.now() - timedelta(minutes=1)
    assert Conversation.objects.get(imported_from="Open WebUI").pinned
    assert not import_job.get_stored_path(row).exists()


def test_the_policy_is_read_anew_before_anything_is_judged(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = iter([True])
    monkeypatch.setattr(versions, "is_stale", lambda: next(stale, False))
    assert states(bring(alice, [roll_back()])) == ["imported"] and next(stale, None) is None


def test_the_same_file_brings_nothing_twice(alice: User, bob: User) -> None:
    bring(alice, [roll_back(), open_webui()])
    again = bring(alice, [open_webui(), roll_back(), librechat()])
    assert states(again) == ["known", "known", "imported"]
    assert Conversation.objects.filter(owner=alice).count() == 3
    assert states(bring(bob, [roll_back()])) == ["imported"]  # what others have is no matter


def test_deleted_conversation_is_restored_by_a_second_import(alice: User) -> None:
    (item,) = bring(alice, [roll_back()]).items.all()
    delete_conversations(alice, [item.conversation_id])
    (again,) = bring(alice, [roll_back()]).items.all()
    assert again.state == "known" and "was restored" in again.note
    assert Conversation.objects.visible_to(alice).count() == 1


def test_an_export_of_here_comes_back_as_it_was(alice: User, bob: User) -> None:
    bring(alice, [roll_back()])
    conversation = Conversation.objects.get()
    tags.set_tags(alice, conversation, "rollback, Staging")
    assert len({row.created for row in conversation.messages.all()}) == conversation.messages.count(), (
        "else versions have no order"
    )
    record = export.export_conversation(alice, conversation)
    assert states(bring(alice, record)) == ["known"]
    assert states(bring(bob, record)) == ["imported"]
    copy = Conversation.objects.get(owner=bob)
    assert (copy.title, copy.folder, copy.imported_from) == ("Staging", None, "Openbook")
    assert copy.tag_list == ["rollback", "Staging"]
    assert [row["text"] for row in export.export_conversation(bob, copy)["messages"]] == [
        row["text"] for row in record["messages"]
    ]
    conversation.delete()
    assert states(bring(alice, record)) == ["imported"]


def test_a_question_without_an_answer_can_be_asked_again(alice: User) -> None:
    bring(alice, [chatgpt(node("u", "root", "user", "Well?"))])
    answer = Message.objects.get(role="assistant")
    assert (answer.status, answer.text) == ("interrupted", "") and "no answer" in answer.reason


def test_imported_exchange_refused_by_the_gate_is_withheld_and_reviewed(alice: User) -> None:
    row = bring(
        alice,
        [
            chatgpt(
                node("u1", "root", "user", "A question with [hate]"),
                node("a1", "u1", "assistant", "No."),
                node("u2", "a1", "user", "Hello"),
                node("a2", "u2", "assistant", "Hi."),
            )
        ],
    )
    withheld = Message.objects.filter(status="withheld")
    assert [message.text for message in withheld] == [""]
    assert row.items.get().note == "Answers withheld by the safety check: 1."
    assert Message.objects.filter(text="Hi.", status="complete").exists()
    assert Case.objects.filter(owner=alice, subject=str(withheld.get().pk)).exists()


def test_import_fails_while_the_safety_check_is_away(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> Verdict:
        return Verdict(False, "check_unavailable", "The safety check is away.")

    monkeypatch.setattr(conversation_import.gate, "check_question", away)
    row = import_job.create_import(alice, SimpleUploadedFile("chats.json", json.dumps([roll_back()]).encode()))
    for _ in range(import_job.MAX_ATTEMPTS):
        with pytest.raises(conversation_import.ModerationUnavailable):
            import_job.run_import(str(row.pk))
        ImportJob.objects.filter(status="waiting").update(lease_until=timezone.now() - timedelta(days=1))
    row.refresh_from_db()
    assert row.status == "failed" and "safety check is away" in row.reason
    assert not Conversation.objects.exists() and not import_job.get_stored_path(row).exists()


def test_import_broken_midway_resumes_without_partial_conversations(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker dies while the second of three is being stored; another one takes over."""
    store, calls = conversation_import._store, list[str]()

    def dying(user: User, chat: dict[str, Any], *rest: Any) -> Any:
        stored = store(user, chat, *rest)
        calls.append(chat["title"])
        if len(calls) == 2:
            raise DatabaseError("the worker is gone")
        return stored

    monkeypatch.setattr(conversation_import, "_store", dying)
    row = import_job.create_import(
        alice, SimpleUploadedFile("x.json", json.dumps([roll_back(), open_webui(), librechat()]).encode())
    )
    with pytest.raises(DatabaseError):
        import_job.run_import(str(row.pk))
    assert [conversation.title for conversation in Conversation.objects.all()] == ["Staging"] and row.items.count() == 1
    ImportJob.objects.update(lease_until=timezone.now() - timedelta(days=1))
    import_job.recover_imports()
    import_job.run_import(str(row.pk))
    assert states(row) == ["imported"] * 3 and Conversation.objects.count() == 3


def test_import_that_lost_its_lease_stores_nothing(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    row = import_job.create_import(alice, SimpleUploadedFile("x.json", json.dumps([roll_back()]).encode()))
    judged = conversation_import._judge_texts

    async def slow(rows: list[dict[str, Any]]) -> list[Verdict | None]:
        return await judged(rows)

    def taken(*_: object) -> dict[str, int]:
        ImportJob.objects.update(lease_token="another")
        return {}

    monkeypatch.setattr(conversation_import, "_judge_texts", slow)
    monkeypatch.setattr(conversation_import, "_find_imported", lambda *_: taken() or None)
    import_job.run_import(str(row.pk))
    assert not Conversation.objects.exists() and not ImportItem.objects.exists()
    import_job.get_stored_path(row).unlink()


def test_hostile_words_are_shown_as_words(alice: User, client: Client) -> None:
    evil = '<script>alert(1)</script><img src="//evil.example/x" onerror=alert(1)> ![a](https://evil.example/?d=1)'
    evil += " [b](javascript:alert(1)) [c](https://evil.example/c) <svg onload=alert(1)> {{7*7}}"
    row = bring(alice, [chatgpt(node("u", "root", "user", evil), node("a", "u", "assistant", evil), title=evil)])
    client.force_login(alice)
    for address in (f"/conversations/import/{row.pk}/", f"/c/{Conversation.objects.get().pk}/", "/conversations/all/"):
        page = client.get(address).content.decode()
        assert "<script>alert" not in page and "<svg onload" not in page and 'javascript:alert(1)"' not in page
        assert (
            '<img src="//evil' not in page and '<img src="https://evil' not in page and 'href="https://evil' not in page
        )


def test_the_page_takes_a_file_and_shows_the_report(alice: User, bob: User, client: Client) -> None:
    client.force_login(alice)
    file = SimpleUploadedFile("conversations.json", json.dumps([roll_back(), {}]).encode())
    answer = client.post("/conversations/import/", {"file": file})
    row = ImportJob.objects.get()
    assert answer.headers["Location"] == f"/conversations/import/{row.pk}/"
    assert 'hx-trigger="every 1s"' in client.get(answer.headers["Location"]).content.decode()
    assert (
        "being imported"
        in client.post("/conversations/import/", {"file": SimpleUploadedFile("y", b"[]")}).content.decode()
    )
    import_job.run_import(str(row.pk))
    page = client.get(f"/conversations/import/{row.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "1 imported, 1 not imported" in page and "every 1s" not in page and "<html" not in page
    assert "Imported from ChatGPT" in client.get(f"/c/{Conversation.objects.get().pk}/").content.decode()
    client.force_login(bob)
    assert client.get(f"/conversations/import/{row.pk}/").status_code == 404


def test_the_report_speaks_the_language_of_its_reader(alice: User, client: Client) -> None:
    row = bring(alice, [roll_back(), {"title": "Corrupted"}])
    alice.language = "de"
    alice.save()
    client.force_login(alice)
    page = client.get(f"/conversations/import/{row.pk}/").content.decode()
    assert "In dieser Datei fehlende Bilder und Dateien: 1." in page and "Its format is not" not in page
    ImportJob.objects.update(status="failed", reason=import_job._broken(import_job._LOG))
    page = client.get(f"/conversations/import/{row.pk}/").content.decode()
    assert "Der Import konnte nicht abgeschlossen werden. Einzelheiten stehen im Protokoll des Servers." in page
    assert "in the list were imported" not in page


@pytest.mark.parametrize(("body", "words"), [(b"", "empty"), (None, "Choose a file")])
def test_unusable_import_file_is_refused_with_a_reason(
    alice: User, client: Client, body: bytes | None, words: str
) -> None:
    client.force_login(alice)
    data = {} if body is None else {"file": SimpleUploadedFile("x.json", body)}
    answer = client.post("/conversations/import/", data)
    assert answer.status_code == 400 and words in answer.content.decode() and not ImportJob.objects.exists()


def test_a_file_that_is_none_fails_in_words(alice: User) -> None:
    row = bring(alice, b"%PDF-1.4 nothing of the kind")
    assert row.status == "failed" and "not a JSON file" in row.reason and not import_job.get_stored_path(row).exists()
    assert "nested" in bring(alice, b'{"a":' * 400_000).reason or ImportJob.objects.latest("created").status == "failed"


def test_import_file_too_large_is_refused_before_it_is_stored(alice: User, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 10
    with pytest.raises(RequestRefused, match="larger"):
        import_job.create_import(alice, SimpleUploadedFile("x.json", b"x" * 11))


def test_old_reports_and_orphans_go(alice: User) -> None:
    row = bring(alice, [roll_back()])
    orphan = import_job.get_import_folder() / ("0" * 32)
    orphan.write_bytes(b"x")
    os.utime(orphan, (0, 0))
    ImportJob.objects.filter(pk=row.pk).update(
        ended=timezone.now() - timedelta(days=import_job.REPORT_RETENTION_DAYS + 1)
    )
    import_job.recover_imports()
    assert not ImportJob.objects.exists() and not orphan.exists() and Conversation.objects.count() == 1
