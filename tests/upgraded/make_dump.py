"""Make `edd3f61.sql`: a small database of the version edd3f61 with rows in every table.

Run inside a checkout of that version, with an environment that has its packages:

    git clone . /tmp/old && git -C /tmp/old checkout -q edd3f61
    cd /tmp/old && PYTHONPATH=. python /path/to/make_dump.py /path/to/edd3f61.sql

The rows come from the verbs of that version and its fake engines; tables that no verb fills without a worker or a
server get rows written directly. The dump holds people of example.org only, and texts encrypted by `TEST_KEY`.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import sqlite3
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

TEST_KEY = base64.urlsafe_b64encode(b"only for tests of an old databas").decode()
MAIL = "mia@example.org"
WORDS = "conversations_words"
# As the triggers of the table do.
FILL = """INSERT INTO conversations_words(rowid, owner, text) SELECT s.id, 'u' || m.asked_by_id, m.text
FROM conversations_sought s JOIN conversations_message m ON m.id = s.message_id"""


def main(to: Path) -> None:
    """Fill an empty database by the steps below and write it as SQL text."""
    import tests.environment  # noqa: F401  (a data folder of its own, and fakes)

    os.environ["DJANGO_SETTINGS_MODULE"] = "assistant.settings"
    os.environ["REVIEW_AUDIT_PER_MILLE"] = "1000"
    (Path(os.environ["DATA_DIR"]) / "snapshot_keys").write_text(f"{TEST_KEY}\n")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    for step in (people, policy, library, talk, pictures, review, oversight, privacy, rest):
        step()
    report()
    dump(to)


def user(name: str) -> Any:
    from apps.users.models import User

    return User.objects.get(email=f"{name}@example.org")


def people() -> None:
    """Create people of every role, groups, invitations, tokens, limits and a session."""
    from allauth.account.models import EmailAddress, EmailConfirmation
    from django.contrib.admin.models import LogEntry
    from django.contrib.auth.models import Permission
    from django.contrib.contenttypes.models import ContentType
    from django.test import Client
    from django.utils import timezone

    from apps.users import duties, groups, invitations, limits, quota, tokens
    from apps.users.models import Invitation, SiteSettings, User
    from apps.users.people import set_role, suspend
    from tests.people import person

    ada, grace = person("ada", User.Role.ADMINISTRATOR), person("grace", User.Role.ADMINISTRATOR)
    for name in ("morgan", "robin"):
        person(name, User.Role.REVIEWER)
    for name in ("alice", "bob", "charlie", "sam", "quinn"):
        person(name)
    set_role(user("charlie"), "reviewer", ada)
    set_role(user("charlie"), "member", ada)
    suspend(user("charlie"), ada)
    for duty, names in ((duties.BREAK_GLASS, ("morgan", "robin")), (duties.SEALED, ("robin",))):
        for name in names:
            duty.name(user(name), True)
    team = groups.create("Harbour office", ada)
    for name in ("alice", "bob"):
        groups.add(team, user(name), ada)
    team.permissions.add(Permission.objects.order_by("pk")[0])
    grace.user_permissions.add(Permission.objects.order_by("pk")[1])
    invitations.invite(ada, "new@example.org")
    invitations.invite(ada)
    used = Invitation.objects.get(email="")
    Invitation.objects.filter(pk=used.pk).update(used_by=user("bob"))
    limits.change(quota.Scope.GROUP, quota.Resource.UPLOADS, quota.Rate(200, 200), team.pk)
    tokens.make(user("alice"), "Calendar", ["read"], 90)
    tokens.make(user("alice"), "Script", ["chat", "read"], None)
    facts = [{"text": "I keep the lighthouse", "on": True}, {"text": "I like tea", "on": False}]
    User.objects.filter(email="alice@example.org").update(
        instructions="Answer briefly.",
        facts=facts,
        remembers=True,
        language="de",
        read_at_random=True,
        lends_answers=True,
        lends_decisions=True,
    )
    User.objects.filter(email="bob@example.org").update(read_at_random=True)
    SiteSettings.objects.get_or_create(defaults={"signup": "invitation"})
    EmailAddress.objects.filter(user=user("sam")).update(verified=False)
    EmailConfirmation.objects.create(
        email_address=EmailAddress.objects.get(user=user("sam")), key="test", sent=timezone.now()
    )
    Client().force_login(user("alice"))
    LogEntry.objects.create(
        user=ada,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(grace.pk),
        object_repr="Grace",
        action_flag=2,
        change_message="[]",
    )


def policy() -> None:
    """Make the first version live, replace it by one with a list, and leave a draft and a shadow."""
    from django.utils import timezone

    from apps.safety import lists, policies, replaying
    from apps.safety.models import Hit

    ada, grace = user("ada"), user("grace")
    policies.live()
    row = {
        "key": "list-codes",
        "name": "Codes of doors",
        "owner": ada.pk,
        "code": "secrets",
        "kind": "words",
        "entries": ["code of the main door", "alarm of the office"],
        "action": "withhold",
        "stages": ["question", "answer"],
        "note": "Nobody gets these from the assistant.",
        "expires": (timezone.now() + timedelta(days=2000)).date().isoformat(),
    }
    draft = lists.keep(ada, row)
    replaying.replay(ada, draft)
    policies.approve(grace, draft)
    Hit.objects.create(key="list-codes", day=timezone.now().date(), count=2, last=timezone.now())


def library() -> None:
    """Create collections with documents in every state, shares, segments, builds, golden questions and runs."""
    from django.contrib.auth.models import Group
    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.utils import timezone

    from apps.documents import rebuilding, sharing
    from apps.documents.ingest import ingest
    from apps.documents.models import (
        Chunk,
        Collection,
        Document,
        FolderSync,
        IndexBuild,
        IndexCare,
        PreparedSegment,
        RefusedUpload,
        Segment,
    )
    from apps.documents.tuning import Tuning
    from apps.documents.upload import upload
    from apps.documents.versions import replace
    from apps.evaluation import golden
    from apps.evaluation.models import GoldenQuestion
    from tests.documents.library import collection, document

    alice, ada = user("alice"), user("ada")
    place = collection(alice, "Handbook")
    document(
        place,
        "Lighthouses",
        [
            "The lighthouse of Alexandria was built between 280 and 247 BC. It stood about 100 metres high. "
            "Three earthquakes damaged it badly.",
        ],
    )
    document(
        place,
        "Bees",
        [
            "A honey bee colony has one queen. Workers live about six weeks in summer. "
            "The queen can live for five years.",
        ],
    )
    files = {"tides.md": "# Tides\n\nThe tide is high at six. Mia writes from mia@example.org.\n", "lamp.txt": "Lit.\n"}
    rows = [upload(alice, place, SimpleUploadedFile(name, text.encode())) for name, text in files.items()]
    ingest(*[row.pk for row in rows])
    RefusedUpload.objects.create(
        collection=place, user=alice, name="lamp again.txt", reason="Already in Handbook as lamp.txt.", same=rows[1]
    )
    upload(alice, place, SimpleUploadedFile("waiting.txt", b"It waits for the worker.\n"))
    replace(alice, rows[0], SimpleUploadedFile("tides.md", b"# Tides\n\nThe tide is high at seven.\n"))
    Document.objects.create(
        collection=place,
        name="broken.pdf",
        file="documents/gone.pdf",
        sha256="0" * 64,
        size=9,
        kind="pdf",
        status="failed",
        reason="This PDF is locked by a password. Save it without one, and upload it again.",
    )
    Chunk.objects.filter(document=rows[1]).update(keywords="lamp", flag="")
    shared = collection(ada, "House rules")
    Collection.objects.filter(pk=shared.pk).update(everyone=True, tuning={"meaning": 0.5})
    document(shared, "Visits", ["Visitors climb the tower on Sundays, in small groups."])
    sharing.share(place, "bob@example.org", "editor")
    sharing.share(place, "nobody.yet@example.org", "reader")
    sharing.share_with_group(place, Group.objects.get(name="Harbour office"), "reader")
    FolderSync.objects.create(
        collection=shared,
        folder="Letters",
        asked_by=ada,
        wanted=False,
        done=2,
        total=2,
        problems=[["a.exe", "This kind of file cannot be read."]],
        changed=timezone.now(),
    )
    segment = Segment.objects.order_by("pk")[0]
    PreparedSegment.objects.create(segment=segment, backend="pgvector", info={"rows": 1})
    IndexCare.objects.create(pk=place.pk, rebuilt=timezone.now())
    chunk = Chunk.objects.filter(text__contains="100 metres")[0]
    golden.add(alice, place, "How high was the lighthouse?", document=None, chunk=chunk, words="100 metres")
    golden.add(alice, place, "How long do workers live?", document=chunk.document, chunk=None, words="six weeks")
    golden.run(golden.ask_for_run(place, alice).pk)
    build = rebuilding.begin(place, Tuning(chunk_tokens=80), alice)
    rebuilding.run(build.pk)
    IndexBuild.objects.create(
        collection=shared, started_by=ada, status="failed", tuning={"meaning": 0.4}, reason="The disk is full."
    )
    assert GoldenQuestion.objects.count() == 2


def talk() -> None:
    """Ask real questions over the socket, and store conversations, branches, shares, ratings and imports."""
    from django.core.files.base import ContentFile
    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.utils import timezone

    from apps.conversations import assistants, branches, comparing, importing, keeping, queue, rating, sharing
    from apps.conversations.asks import Ask
    from apps.conversations.models import (
        AttachedPicture,
        Attachment,
        Conversation,
        Folder,
        Message,
        ModelProfile,
        SavedPrompt,
        ToolConsent,
        ToolServer,
        ToolSetting,
    )
    from apps.documents.models import Collection
    from apps.lib.ids import new_id

    alice, bob, ada = user("alice"), user("bob"), user("ada")
    place = Collection.objects.filter(name="Handbook")
    content = {
        "name": "Keeper",
        "description": "Knows the lighthouse",
        "starters": ["When may I visit?"],
        "instructions": "Answer as the keeper.",
        "examples": [{"question": "Lit?", "answer": "At six."}],
    }
    helper = assistants.make(alice, content, place)
    assistants.change(alice, helper, {**content, "description": "Knows the lighthouse well"}, place, 1)
    assistants.share(helper, "reader", email="bob@example.org")
    assistants.make(ada, {"name": "Letters"}, Collection.objects.none())
    asyncio.run(conversations(alice, helper.pk))
    first = Conversation.objects.filter(owner=alice).order_by("created")[0]
    answer = first.messages.filter(role="assistant").order_by("created")[0]
    other = answer.parent.children.exclude(pk=answer.pk)[0]
    comparing.prefer(alice, answer.pk, other.pk, str(answer.pk))
    for good, row in ((True, answer), (False, other)):
        made = rating.rate(alice, row, good)
        reasons = [] if good else ["citation"]
        rating.detail(alice, made, {"reasons": reasons, "note": "As it is.", "report": False, "lend": good})
    share = sharing.turn_on(first, None, "passages", "30")
    assert share is not None
    sharing.copy(bob, share)
    branches.fork(alice, first, None)
    queue.put(alice, Ask("queued", "And the bees?", conversation=first.pk), {"text": "And the bees?"})
    folder = Folder.objects.create(owner=alice, name="Board")
    first.collections.set(place)
    rows = list(Conversation.objects.filter(owner=alice).order_by("created"))
    keeping.move(alice, [rows[0].pk], folder)
    keeping.pin(alice, [rows[0].pk])
    extra = [Conversation.objects.create(owner=alice, title=name) for name in ("Archived", "Deleted")]
    keeping.archive(alice, [extra[0].pk])
    keeping.delete(alice, [extra[1].pk])
    SavedPrompt.objects.create(owner=alice, name="letter", text="Write to {{whom}}.", everyone=True)
    ToolServer.objects.create(
        name="weather",
        address="https://weather.example/mcp",
        tools=[
            {
                "as": "weather_rain",
                "name": "rain",
                "title": "Rain",
                "description": "Says where it rains",
                "parameters": {"type": "object", "properties": {"town": {"type": "string"}}},
                "hint": "reads",
            }
        ],
    )
    ToolSetting.objects.create(name="draw_picture", permission="ask")
    ToolConsent.objects.get_or_create(answer=answer, call="1", defaults={"allowed": True})
    ModelProfile.objects.create(
        name="fake-1B", style="plain", reading_right=7, reading_asked=8, measured=timezone.now()
    )
    png = square()
    seen = AttachedPicture(
        owner=alice,
        name="note.png",
        thumbnail=png,
        width=8,
        height=8,
        sha256="1" * 64,
        status="ready",
        recognised=True,
        text="Keep the lamp lit",
        caption="A note",
        asked=True,
    )
    seen.file.save("note.png", ContentFile(png), save=True)
    Attachment.objects.create(question=answer.parent, picture=seen, position=0)
    chats = [
        {
            "title": "Soup",
            "create_time": 1.7e9,
            "update_time": 1.7e9,
            "current_node": "a1",
            "conversation_id": "c-1",
            "mapping": {
                "u1": {"id": "u1", "parent": None, "children": ["a1"], "message": said("user", "A soup for twenty?")},
                "a1": {
                    "id": "a1",
                    "parent": "u1",
                    "children": [],
                    "message": said("assistant", "Lentils, two kilograms."),
                },
            },
        },
        {"title": "Unfinished"},
    ]
    row = importing.take(alice, SimpleUploadedFile("conversations.json", json.dumps(chats).encode()))
    importing.do(str(row.pk))
    dead = {"conversation": first, "asked_by": alice, "parent": answer}
    question = Message.objects.create(role="user", text="And then?", client_id=str(new_id()), status="complete", **dead)
    dead["parent"] = question
    Message.objects.create(role="assistant", text="It", status="writing", lease_token="gone", **dead)
    question = Message.objects.create(
        role="user", text="Why?", client_id=str(new_id()), status="complete", **{**dead, "parent": answer}
    )
    Message.objects.create(
        role="assistant",
        status="failed",
        reason="The model server cannot be reached. It is asked again by itself.",
        **{**dead, "parent": question},
    )


def said(role: str, text: str) -> dict[str, Any]:
    return {"author": {"role": role}, "create_time": 1.7e9, "content": {"content_type": "text", "parts": [text]}}


def square() -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (8, 8), "navy").save(stream, "PNG")
    return stream.getvalue()


async def conversations(alice: Any, helper: Any) -> None:
    """Ask as pages do: with sources, again, in another wording, with thoughts, a tool, no documents, in a branch."""
    from asgiref.testing import ApplicationCommunicator

    from apps.conversations import turns
    from apps.engines import registry
    from apps.engines.base import ToolCall
    from apps.lib.threads import in_db
    from assistant.asgi import application
    from tests.conversations.conftest import Page, scope, session_of

    chat: Any = registry.chat()
    chat.tools = True
    wire = ApplicationCommunicator(application, scope(await in_db(session_of, alice)))
    await wire.send_input({"type": "websocket.connect"})
    assert (await wire.receive_output(timeout=60))["type"] == "websocket.accept"
    page = Page(wire)

    async def ask(text: str, **also: Any) -> dict[str, Any]:
        accepted = await page.ask(text, **also)
        assert accepted["type"] == "accepted", accepted
        await page.events()
        await turns.idle()
        return accepted

    one = await ask("How high was the lighthouse of Alexandria?")
    place = one["conversation"]
    await page.tell(do="retry", turn=one["turn"], client_id="again")
    await page.events()
    await turns.idle()
    chat.replies.append("<think>The bees are in the second source.</think>A colony has one queen [1].")
    two = await ask("How many queens has a colony of honey bees?", conversation=place)
    await ask("How long does a queen of honey bees live?", conversation=place, after=one["turn"])
    chat.calls.append((ToolCall("1", "calculator", '{"expression": "2 * 21"}'),))
    await ask("How much is two times 21?", without_documents=True)
    await ask(f"What did {MAIL} write about the tide?", assistant=str(helper))
    chat.replies.append("That is said of the lighthouse only.")
    await ask("Which sentence is to be withheld about the lighthouse?")
    await ask("And how long do its workers live?", conversation=place, after=two["turn"])
    await wire.send_input({"type": "websocket.disconnect", "code": 1001})
    await wire.wait(60)


def pictures() -> None:
    """Draw pictures and leave one waiting, one failed, one favourite; keep a preset and frames."""
    from unittest import mock

    from apps.conversations.models import Message
    from apps.images import asking, described, generate
    from apps.images.models import Frame, Picture, Preset

    alice = user("alice")
    described.refresh()
    with mock.patch("celery.current_app.send_task"):
        first = asking.ask(alice, asking.Wish("A red cat", seed=7, width=64, height=64, steps=2))[0]
        generate.draw(first.pk)
        first.refresh_from_db()
        assert first.status == "ready", first.reason
        second = asking.ask(
            alice, asking.Wish("A blue cat", seed=8, width=64, height=64, steps=2, parent=first, from_parent=True)
        )[0]
        third = asking.ask(alice, asking.Wish("A green cat", seed=9, width=64, height=64, steps=2))[0]
    Picture.objects.filter(pk=first.pk).update(favourite=True)
    Picture.objects.filter(pk=third.pk).update(status="failed", reason="The disk of this server is full.")
    if not Frame.objects.filter(picture=first).exists():
        Frame.objects.create(picture=first, step=1, preview=b"jpeg")
    Preset.objects.create(owner=alice, name="Harbour", settings={"negative": "fog"})
    answer = Message.objects.filter(role="assistant", asked_by=alice, status="complete").order_by("created")[0]
    answer.pictures.add(first, second)


def flagged(text: str, owner: str, clause: str, severity: int = 3, kind: str = "question", subject: Any = None) -> Any:
    from apps.engines.classify.fake import LABELS
    from apps.lib.ids import new_id
    from apps.safety import review as spine
    from apps.safety.folding import Outcome, Signal, Status
    from apps.safety.policy import Action

    signal = Signal("text", "text-fake", Status.OK, dict.fromkeys(LABELS, 0.01) | {clause: 0.97})
    stage = kind if kind in ("question", "answer") else "picture"
    outcome = Outcome(Action.SEND, clause, severity, 0.97)
    about = spine.Flagged(kind, str(subject or new_id()), stage, text, user(owner).pk, outcome, (signal,))
    return spine.flag(about)


def decided(case: Any, by: str, outcome: str, reason: str = "clear", **extent: Any) -> Any:
    from apps.safety import review as spine
    from apps.safety.rulings import Extent

    held = spine.claim(user(by), case.pk)
    spine.look(user(by), case.pk)
    ruling = spine.Ruling(held.lease_token, held.version, outcome, reason, extent=Extent(**extent))
    return spine.decide(user(by), case.pk, ruling)


def review() -> None:
    """Decide cases in every way; withhold, redact, restrict and suspend; appeal, overturn, undo, gather a batch."""
    from apps.conversations.models import Conversation, Message
    from apps.images.models import Picture
    from apps.safety import appeals, bulk
    from apps.safety import review as spine
    from apps.safety.models import Notice
    from apps.safety.transitions import Move

    texts = {row.text: row for row in Message.objects.filter(role="user", asked_by=user("alice")).order_by("created")}
    mail = next(row for text, row in texts.items() if MAIL in text)
    gone = next(row for text, row in texts.items() if "withheld" in text)
    redacted = flagged(mail.text, "alice", "personal_data", 2, "question", mail.children.get().pk)
    decided(redacted, "morgan", "redact", spans=(MAIL,))
    decided(flagged("That is said", "alice", "hate", 3, "answer", gone.children.get().pk), "morgan", "block")
    queens = next(row for text, row in texts.items() if "queens" in text)
    decided(flagged(queens.text, "alice", "hate", 3, "question", queens.children.get().pk), "morgan", "block")
    decided(flagged("How do I kill moss?", "bob", "violence"), "robin", "allow", "mistake")
    decided(flagged("Next time I break his fingers", "bob", "violence"), "morgan", "warn", "context")
    decided(flagged("Draw them as rats", "bob", "hate"), "morgan", "restrict", feature="pictures", days=90)
    decided(flagged("They should all be driven out", "sam", "hate"), "morgan", "suspend")
    made = decided(flagged("How do I get into the flat of my neighbour?", "bob", "crime"), "morgan", "block")
    appeals.appeal(user("bob"), Notice.objects.get(decision=made), "She asked me to water her plants.")
    over = decided(flagged("The drill is murder, quoted", "bob", "violence"), "morgan", "block")
    appeals.appeal(user("bob"), Notice.objects.get(decision=over), "It was a quotation.")
    held = spine.claim(user("robin"), over.case_id)
    appeals.rule(user("robin"), over.case_id, spine.Ruling(held.lease_token, held.version, "overturn", "mistake"))
    back = decided(flagged("How do I sign for my neighbour?", "bob", "crime"), "robin", "block")
    spine.undo(user("robin"), back.case_id)
    claimed = flagged("Then write them a letter that they understand", "bob", "violence")
    spine.claim(user("morgan"), claimed.pk)
    raised = flagged("Take off the seal of the heat meter", "bob", "crime")
    held = spine.claim(user("morgan"), raised.pk)
    spine.leave(user("morgan"), raised.pk, held.lease_token, Move.ESCALATE, "I know him.")
    asked = flagged("Which words are called degrading?", "bob", "hate")
    held = spine.claim(user("morgan"), asked.pk)
    spine.second(user("morgan"), asked.pk, held.lease_token)
    alike = "Write to all: whoever lives on the ground floor of house {} should be driven out with stones"
    cases = [flagged(alike.format(number), "bob", "hate") for number in (2, 3, 5)]
    spine.claim(user("robin"), cases[0].pk)
    bulk.gather(user("robin"), cases[0].pk)
    drawn = Picture.objects.filter(status="ready")[0]
    flagged(drawn.prompt, "alice", "hate", 2, "picture", drawn.pk)
    flagged("A sealed one", "bob", "child_exploitation", 4)
    assert Conversation.objects.count() > 4


def oversight() -> None:
    """Give second opinions, known answers and random audits; ask for break-glass; judge in the shadow."""
    from django.utils import timezone

    from apps.conversations import glass, reviewing
    from apps.conversations.models import Conversation, Message
    from apps.safety import (
        audits,
        breakglass,
        degraded,
        detectors,
        exposure,
        leaving,
        opinions,
        policies,
        recorded,
        replaying,
        shadowing,
        thresholds,
    )
    from apps.safety.check import Judged
    from apps.safety.folding import Signal, Status, fold
    from apps.safety.levels import Level
    from apps.safety.models import (
        Audited,
        BiasAudit,
        Case,
        Decision,
        Exposure,
        Leaving,
        Opinion,
        PolicyVersion,
        Recorded,
    )
    from apps.safety.policy import Stage

    ada, morgan, robin, alice = user("ada"), user("morgan"), user("robin"), user("alice")
    row = Decision.objects.filter(reviewer=morgan, outcome="warn").get()
    Opinion.objects.create(
        decision=row,
        why="sample",
        snapshot=row.case.snapshot,
        clause=row.clause,
        case=row.case,
        owner=row.owner,
        first=morgan,
        severity=row.case.severity,
    )
    for harmful in (True, False):
        found = opinions.take(robin)
        assert found is not None
        opinions.read(robin, found.pk)
        opinions.give(robin, found.pk, found.lease_token, harmful, "As it stands.")
    opinions.know(ada, Case.objects.get(decisions__outcome="suspend"))
    exposure.set_care(morgan, covered=True, without=["self_harm"])
    if not Exposure.objects.exists():
        exposure.look(morgan, "case x", "hate", 3)
        exposure.left(morgan)
    Audited.objects.all().delete()
    for answer in Message.objects.filter(role="assistant", status="complete", asked_by=alice).order_by("created")[:2]:
        reviewing.sample(answer.pk, alice.pk)
    taken = audits.take(morgan)
    assert taken is not None
    audits.read(morgan, taken.pk)
    audits.give(morgan, taken.pk, taken.lease_token, "")
    BiasAudit.objects.create(
        policy=policies.live(),
        version="text-fake",
        by=ada,
        rows=[{"group": "women", "harmless": 9, "noticed": 1, "acted": 0, "hateful": 9, "unnoticed": 1, "passed": 1}],
    )
    detectors.seen([Signal("text", "text-fake", Status.OK, {"hate": 0.1})])
    degraded.note("text", "error")
    degraded.write()
    place = Conversation.objects.filter(owner=alice).order_by("created")[0]
    why = "A court asked for this one, in an order of yesterday."
    later = timezone.now() + timedelta(days=90)
    one = breakglass.ask(morgan, alice, place.pk, "order", why)
    breakglass.approve(robin, one.pk)
    breakglass.read(breakglass.reading(morgan, one.pk), morgan, 3)
    breakglass.end(morgan, one.pk)
    told = breakglass.ask(morgan, alice, place.pk, "order", why, told_from=later, delay="Section 1 of some law")
    breakglass.approve(robin, told.pk)
    refused = breakglass.ask(robin, user("bob"), None, "asked", why)
    breakglass.refuse(morgan, refused.pk, "Ask him first.")
    urgent = breakglass.ask(robin, user("bob"), None, "life", why, emergency=True)
    breakglass.judge(morgan, urgent.pk, True, "It was one.")
    breakglass.ask(robin, user("bob"), None, "incident", why)
    assert glass is not None
    draft = thresholds.draft(ada, "violence", "question", 0.88, "withhold_and_review")
    policies.shadow(ada, draft)
    policies.refresh()
    live = policies.current()
    for number in range(4):
        signal = Signal("text", "text-fake", Status.OK, {"violence": (0.1, 0.9, 0.85, 0.5)[number]})
        judged = Judged(Stage.QUESTION, f"{number}", fold(Stage.QUESTION, [signal], live), (signal,))
        recorded.note(judged, Level.SITE, live.number, recorded.Surface.CHAT)
    shadowing.write()
    assert Recorded.objects.exists()
    replaying.replay(ada, draft)
    Leaving.objects.get_or_create(stage="answer", mark="0" * 40, defaults={"by": "x", "action": "", "code": ""})
    assert leaving is not None
    other = policies.draft(ada, policies.live().body, "One more, as it was")
    partial = policies.draft(ada, policies.live().body, "For some people")
    replaying.replay(ada, partial)
    from apps.safety import rollout

    rollout.begin(user("grace"), partial, 20)
    assert other.pk and PolicyVersion.objects.count() > 4


def privacy() -> None:
    """Set holds and rules, take a copy of somebody's data, erase somebody, and leave a wish waiting."""
    from django.utils import timezone

    from apps.conversations.models import Conversation, Message
    from apps.privacy import case_holds, copying, erasing, keeping
    from apps.privacy.models import Keeping, Wish
    from apps.safety.models import Case

    ada, quinn, alice = user("ada"), user("quinn"), user("alice")
    keeping.change(ada, Keeping.Scope.SITE, 730)
    keeping.change(alice, Keeping.Scope.PERSON, 3650, alice.pk)
    keeping.hold(ada, user("bob"), "A claim about a deposit is in court.")
    case = Case.objects.filter(state="decided", owner=user("bob"))[0]
    case_holds.hold(ada, case.pk, "order", "The court asked for it.")
    now = timezone.now()
    wish = Wish.objects.create(kind="export", person=alice, number=alice.pk, status="done", ended=now)
    counts, sha256, size = copying.write(wish, alice)
    Wish.objects.filter(pk=wish.pk).update(counts=counts, sha256=sha256, size=size)
    place = Conversation.objects.create(owner=quinn, title="Gone soon")
    Message.objects.create(conversation=place, role="user", text="Who am I?", asked_by=quinn, client_id="q")
    gone = Wish.objects.create(kind="erase", person=quinn, number=quinn.pk)
    erasing.finish(gone, erasing.erase(quinn))
    Wish.objects.create(kind="export", person=user("bob"), number=user("bob").pk)


def rest() -> None:
    """Trim what is large and of no use to a test."""
    from django.contrib.auth.models import Group, Permission

    from apps.images.models import Frame, Picture
    from apps.safety.models import Recorded
    from apps.users.models import User

    given = {
        *Group.objects.values_list("permissions", flat=True),
        *User.objects.values_list("user_permissions", flat=True),
    }
    Permission.objects.exclude(pk__in=given - {None}).delete()
    Recorded.objects.exclude(pk__in=Recorded.objects.order_by("-pk").values("pk")[:12]).delete()
    for row in Picture.objects.exclude(preview=b""):
        Picture.objects.filter(pk=row.pk).update(preview=square())
    for frame in Frame.objects.all():
        Frame.objects.filter(pk=frame.pk).update(preview=square())


def report() -> None:
    """Print the tables without a row."""
    from django.apps import apps

    counts = {model._meta.label: model._default_manager.count() for model in apps.get_models(include_auto_created=True)}
    print(counts)
    print("EMPTY", [name for name, count in counts.items() if not count])


def dump(to: Path) -> None:
    """Write schema and rows as SQL text. The table of the full-text search is declared and filled anew when loaded."""
    from django.conf import settings
    from django.db import connections

    connections.close_all()
    with closing(sqlite3.connect(settings.DATABASES["default"]["NAME"])) as base:
        known = (
            "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY 2"
        )
        parts: dict[str, list[tuple[str, str]]] = {"table": [], "index": [], "trigger": [], "view": []}
        for kind, name, sql in base.execute(known).fetchall():
            if not name.startswith(f"{WORDS}_"):
                parts[kind].append((name, sql))
        tables = [(name, sql) for name, sql in parts["table"] if name != WORDS]
        lines = ["PRAGMA foreign_keys=OFF;", "BEGIN;", *(f"{sql};" for _, sql in tables)]
        for name, _ in [*tables, ("sqlite_sequence", "")]:
            columns = [row[1] for row in base.execute(f'PRAGMA table_info("{name}")')]
            quoted = "||','||".join(f'quote("{column}")' for column in columns)
            rows = base.execute(f'SELECT {quoted} FROM "{name}" ORDER BY 1')  # noqa: S608 - names of ours
            lines += [f'INSERT INTO "{name}" VALUES({row});' for (row,) in rows]
        virtual = next(sql for name, sql in parts["table"] if name == WORDS)
        lines += [f"{virtual};", f"{FILL};"]
        lines += [f"{sql};" for _, sql in [*parts["index"], *parts["trigger"], *parts["view"]]]
    text = "\n".join([*lines, "COMMIT;", ""])
    to.write_text(text)
    print(to, len(text))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
