"""On PostgreSQL two transactions see nothing of each other: an answer and a decision about its document still meet."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections, transaction

from apps.conversations.evidence.running_sources import RunningSources
from apps.conversations.models import Message
from apps.conversations.moderation import message_redaction
from apps.conversations.turns import finalization, titles
from apps.documents.models import Page
from apps.documents.moderation import document_redaction as documents
from apps.lib.concurrency.threads import in_db
from apps.lib.db import advisory_locks
from apps.safety.moderation import cases
from apps.safety.text.redaction_marks import REDACTION_CHARACTER
from apps.users.models import User
from tests.conversations.moderation.test_retraction_races import around
from tests.factories import redact_document

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="writers of SQLite wait for each other"),
]
WORDS = "about 100 metres"
SAID = f"The lighthouse stood {WORDS} high [1]."
LATEST_S = 300  # a defect and no slow machine, when something takes longer


class Beside:
    """Work in a thread with a connection of its own."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.error: BaseException | None = None
        self._work = work
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - told where it is joined
            self.error = error
        finally:
            connections.close_all()

    @property
    def over(self) -> bool:
        return not self._thread.is_alive()

    def join(self) -> None:
        self._thread.join(LATEST_S)
        assert self.over and self.error is None, self.error


def waits() -> bool:
    """Whether somebody waits for the lock between answers and decisions, in this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory' AND objid = %s "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [advisory_locks.REDACTION_KEY],
        )
        found: int = cursor.fetchone()[0]
    return found > 0


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LATEST_S
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def take(morgan: User) -> None:
    page = Page.objects.filter(text__contains=WORDS).select_related("document").get()
    redact_document(morgan, page.document, WORDS)


async def asked(open_page: Any, alice: User, chat: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, str]:
    """The page, and the answer that it waits for; its sources are stored with its end, as where they come late."""

    async def later(sources: RunningSources) -> None:
        pass

    monkeypatch.setattr(RunningSources, "publish", later)
    monkeypatch.setattr(titles, "schedule_title", lambda turn: None)
    chat.replies.append(SAID)
    page = await open_page(alice)
    return page, (await page.ask("How high was the lighthouse of Alexandria?"))["turn"]


def without_it(turn: str) -> None:
    row = Message.objects.get(pk=turn)
    assert row.text == SAID.replace(WORDS, REDACTION_CHARACTER * len(WORDS)), row.text


async def test_a_decision_that_begins_while_an_answer_is_being_stored_waits_and_sees_it(
    open_page, alice, library, chat, morgan, monkeypatch
) -> None:
    begun: list[Beside] = []

    def decide() -> None:  # the answer has looked, and is not committed
        begun.append(Beside(lambda: take(morgan)))
        until(lambda: begun[0].over or waits())

    around(monkeypatch, message_redaction, "apply_pending_redactions", decide, before=False)
    page, turn = await asked(open_page, alice, chat, monkeypatch)
    await page.events(timeout=LATEST_S)
    await in_db(begun[0].join)
    await in_db(without_it, turn)


async def test_an_answer_that_is_stored_while_a_decision_is_being_made_waits_and_sees_it(
    open_page, alice, library, chat, morgan, monkeypatch
) -> None:
    begun: list[Beside] = []
    cut, stored = threading.Event(), threading.Event()

    def wait() -> None:  # the decision has looked for answers, and is not committed
        cut.set()
        until(lambda: stored.is_set() or waits())

    def begin() -> None:
        begun.append(Beside(lambda: take(morgan)))
        assert cut.wait(LATEST_S)

    known = documents.redaction_hooks[message_redaction.CITING_ANSWERS]

    def looked(*args: Any) -> dict[str, Any]:
        found = known.redact(*args)
        wait()
        return found

    monkeypatch.setitem(
        documents.redaction_hooks, message_redaction.CITING_ANSWERS, documents.RedactionHook(looked, known.restore)
    )
    around(monkeypatch, finalization, "finish_turn", begin, before=True)
    around(monkeypatch, finalization, "finish_turn", stored.set, before=False)
    page, turn = await asked(open_page, alice, chat, monkeypatch)
    while (await page.hear(timeout=LATEST_S))["type"] not in ("unknown", "released"):
        pass
    await in_db(begun[0].join)
    await in_db(without_it, turn)


def test_undoing_a_redaction_waits_for_an_answer_that_is_being_stored(library, morgan) -> None:
    page = Page.objects.filter(text__contains=WORDS).select_related("document").get()
    decision = redact_document(morgan, page.document, WORDS)
    with transaction.atomic():  # as an answer that has looked at the document, and is not committed
        advisory_locks.lock_shared(advisory_locks.REDACTION_KEY)
        begun = Beside(lambda: cases.undo_decision(morgan, decision.case_id, within_s=LATEST_S))
        until(lambda: begun.over or waits())
        assert not begun.over
    begun.join()
    page.refresh_from_db()
    assert WORDS in page.text
