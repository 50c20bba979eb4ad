"""Verbs that seed the data of a site, run by `seeding.py` with Django set up."""

from __future__ import annotations

from tests.journeys.seeding import Verb

LEAVE = """# Parental leave

Every employee who has been with the company for six months may take parental leave.
Parental leave lasts up to 26 weeks.
The first 16 weeks of parental leave are paid in full. Leave must be announced in writing eight weeks before it begins.

## Part time

During parental leave an employee may work up to 15 hours a week. The hours are agreed with the manager in advance.
"""

TRAVEL = """# Travel costs

Trains are booked in second class. Journeys of more than four hours may be booked in first class.
Receipts must be handed in within 30 days after the journey. A hotel may cost up to 120 euros a night.
"""

BOILER = [
    "The boiler of the main building is serviced every spring. The service is arranged by the caretaker.",
    "Error E4 means that the water pressure is too low. Open the blue valve until the gauge shows 1.5 bar.\n"
    "Error E7 means that the exhaust is blocked. Switch the boiler off and call the service.",
]


def people() -> None:
    """Create users with their roles."""
    from django.utils import timezone

    from apps.conversations.assistants.reading_check import READING_CHECK_VERSION
    from apps.conversations.models import ModelProfile
    from apps.engines.chat.fake import FakeChat
    from apps.users.models import User
    from tests.factories import make_user

    make_user("ada", User.Role.ADMINISTRATOR)
    make_user("morgan", User.Role.REVIEWER)
    make_user("robin", User.Role.REVIEWER)
    make_user("alice")
    make_user("bob")
    make_user("pat")
    make_user("quinn")  # for the erasure of all data
    make_user("riley")  # for the erasure by keyboard
    make_user("sam")  # for the suspension
    # Most journeys test how an answer arrives, whatever it says; `test_states.py` tests verification.
    # As if it had been measured: no reading check comes between the questions of a journey.
    measured = {"shown_sentences": "all", "measured": timezone.now(), "check_version": READING_CHECK_VERSION}
    ModelProfile.objects.update_or_create(name=FakeChat().name, defaults=measured)


def leaver() -> str:
    """Create Lee with a collection, a chat with a shared link, and a private chat. Return the path of the link."""
    from apps.conversations.sharing.links import enable_link
    from tests.factories import make_collection, make_exchange, make_user

    lee = make_user("lee")
    make_collection(lee, "Harbour rules")
    make_exchange(lee, "A private question?", "A private answer.", title="Private")
    answer = make_exchange(lee, "How high is the tower?", "The tower is 100 metres high.", title="Tower")
    link = enable_link(lee, answer.conversation, None, "passages", "")
    assert link is not None
    return f"/shared/{link.secret}/"


def directory_user() -> int:
    """Create Noor, whose account the directory manages, and return its id."""
    from apps.users.models import DirectoryAccount
    from tests.factories import make_user

    noor = make_user("noor")
    DirectoryAccount.objects.create(user=noor, user_name=noor.email, user_name_key=noor.email)
    return noor.pk


def nobody() -> None:
    """Delete all data, including the audit log, whose trigger would forbid that."""
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER IF EXISTS safety_event_no_delete")
    call_command("flush", interactive=False, verbosity=0)  # recreates the triggers


def library() -> None:
    """Create two collections of Ada's with three documents, readable by everyone."""
    from django.core.files.uploadedfile import SimpleUploadedFile
    from fpdf import FPDF

    from apps.documents.library.uploads import store_upload
    from apps.documents.models import Collection
    from apps.users.models import User

    pdf = FPDF()
    pdf.set_font("Helvetica", size=12)
    for text in BOILER:
        pdf.add_page()
        pdf.multi_cell(0, 8, text)
    ada = User.objects.get(email="ada@example.org")
    rules = Collection.objects.create(owner=ada, name="House rules", everyone=True)
    store_upload(ada, rules, SimpleUploadedFile("parental-leave.md", LEAVE.encode()))
    store_upload(ada, rules, SimpleUploadedFile("travel.md", TRAVEL.encode()))
    manuals = Collection.objects.create(owner=ada, name="Manuals", everyone=True)
    store_upload(ada, manuals, SimpleUploadedFile("boiler.pdf", bytes(pdf.output())))


def replayed() -> None:
    """Let the model of the replay server pass the reading check."""
    from django.utils import timezone

    from apps.conversations.assistants.reading_check import READING_CHECK_VERSION
    from apps.conversations.models import ModelProfile
    from tests.support.replay_server import MODEL

    passed = {"reading_right": 40, "reading_asked": 40, "style": "model", "shown_sentences": "all"}
    passed |= {"judging_right": 0, "judging_asked": 0, "check_version": READING_CHECK_VERSION}
    ModelProfile.objects.update_or_create(name=MODEL, defaults={**passed, "measured": timezone.now()})


def cautious() -> str:
    """Create an assistant for everyone that shows verified sentences only. Return its id."""
    from apps.conversations.models import Assistant
    from apps.users.models import User

    owner = User.objects.get(email="ada@example.org")
    return str(Assistant.objects.create(owner=owner, everyone=True, name="Cautious", shown_sentences="verified").pk)


def golden_question() -> str:
    """Create a golden question that expects another file than the one that answers it. Return its collection's id."""
    from apps.documents.models import Document
    from apps.evaluation.models import GoldenQuestion

    travel = Document.objects.get(name="travel.md")
    GoldenQuestion.objects.get_or_create(
        collection=travel.collection,
        document=travel,
        text="How long does parental leave last, and which weeks are paid in full, with doubts?",
    )
    return str(travel.collection_id)


def long() -> str:
    """Create a conversation of Alice's with 1,000 turns. Return its id."""
    from apps.conversations.models import Conversation, Message
    from apps.users.models import User

    alice = User.objects.get(email="alice@example.org")
    conversation, last, rows = Conversation.objects.create(owner=alice, title="Long"), None, []
    common = {"conversation": conversation, "asked_by": alice}
    for number in range(1000):
        question = Message(parent=last, role="user", text=f"Question {number}?", **common)
        text = f"Answer {number} says **this** and that.\n\n" + "It goes on for a while. " * 12
        last = Message(parent=question, role="assistant", text=text, **common)
        rows += [question, last]
    Message.objects.bulk_create(rows, batch_size=500)
    return str(conversation.pk)


def many() -> None:
    """Create Lena with 2,000 conversations: 60 pinned, 300 in a folder, 40 archived."""
    from datetime import timedelta

    from django.utils import timezone

    from apps.conversations.models import Conversation, Folder
    from tests.factories import make_user

    lena = make_user("lena")
    folder, now = Folder.objects.create(owner=lena, name="Boilers"), timezone.now()
    rows = [Conversation(owner=lena, title=f"Talk {number:04}", seen=now) for number in range(2000)]
    Conversation.objects.bulk_create(rows)
    for number, row in enumerate(rows):
        row.changed = now - timedelta(minutes=number)
        row.pinned = now if number % 33 == 5 and number < 1980 else None
        row.folder = folder if 100 <= number < 410 and not row.pinned else None
        row.archived = now if number >= 1960 else None
    Conversation.objects.bulk_update(rows, ["changed", "pinned", "folder", "archived"], batch_size=200)


def corners() -> None:
    """Run `corners.corners`."""
    from tests.journeys.corners import corners

    corners()


def alike() -> None:
    """Create three cases with near-duplicate texts."""
    from tests.journeys.corners import create_case

    for number in range(3):
        create_case(f"Everybody from the northern islands should be driven into the sea, number {number}")


def threats() -> None:
    """Create two cases under one clause about two users, whose texts differ in one word."""
    from tests.journeys.corners import create_case

    for spot, name in (("tower", "pat"), ("harbour", "bob")):
        create_case(f"I shall wait for the keeper at the {spot} and beat him", name, code="violence")


def decided() -> None:
    """Create a decided case that waits for a second review."""
    from tests.journeys.corners import create_decided_case

    create_decided_case("They should all be driven into the sea, quoted in a lesson")


def flagged() -> None:
    """Create a case about the latest picture, which stays visible."""
    from tests.journeys.corners import create_picture_case

    create_picture_case()


def banned() -> None:
    """Suspend Sam."""
    from tests.journeys.corners import banned

    banned()


def degraded_minute() -> None:
    """Store a minute of a failed classifier."""
    from tests.journeys.corners import degraded_minute

    degraded_minute()


def grace() -> None:
    """Create a second administrator, who can approve, unless another journey on this site did."""
    from apps.users.models import User
    from tests.factories import make_user

    if not User.objects.filter(email="grace@example.org").exists():
        make_user("grace", User.Role.ADMINISTRATOR)


def policy_of_before() -> None:
    """Put the first policy version in force again."""
    from apps.safety.models import PolicyVersion
    from apps.safety.policy import versions
    from apps.safety.policy_admin import backtest
    from apps.users.models import User

    author, other = (User.objects.get(email=f"{name}@example.org") for name in ("ada", "grace"))
    versions.get_live_version()  # stores the first version if a journey failed before it did
    first = PolicyVersion.objects.order_by("number")[0]
    row = versions.create_draft(author, first.body, "As before")
    backtest.run_backtest(author, row)
    versions.approve_version(other, row)


def discard_drafts() -> None:
    """Discard the policy drafts that other journeys have left behind: the page would offer to continue one."""
    from apps.safety.models import PolicyVersion
    from apps.safety.policy import versions

    for row in PolicyVersion.objects.filter(status=PolicyVersion.Status.DRAFT).select_related("author"):
        assert row.author is not None
        versions.discard_draft(row.author, row)


def verbs() -> tuple[Verb, ...]:
    """Return the functions that can be called by name."""
    return (
        people, leaver, directory_user, nobody, library, cautious, replayed, golden_question, long, many, corners,
        alike, threats, decided, flagged, banned, degraded_minute, grace, policy_of_before, discard_drafts,
    )  # fmt: skip
