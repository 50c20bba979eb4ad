"""Seed the pictured site: users, groups, collections, documents, assistants, settings. Each public function is a
verb."""

from __future__ import annotations

import io
from typing import Any

from tests.pictured import texts

HOST = "lindenhof.example"
ADA, MORGAN, ROBIN = f"ada.keller@{HOST}", f"morgan.ellis@{HOST}", f"robin.castellanos@{HOST}"
MAYA, TOM, PAT = f"maya.lindqvist@{HOST}", f"tom.okafor@{HOST}", f"pat.sorensen@{HOST}"
NAMES = {
    MORGAN: ("Morgan Ellis", "reviewer"), ROBIN: ("Robin Castellanos", "reviewer"), MAYA: ("Maya Lindqvist", "member"),
    TOM: ("Tom Okafor", "member"), PAT: ("Pat Sørensen", "member"), f"elif.demir@{HOST}": ("Elif Demir", "member"),
    f"samuel.roth@{HOST}": ("Samuel Roth", "administrator"), f"priya.nair@{HOST}": ("Priya Nair", "member"),
}  # fmt: skip


def user(email: str) -> Any:
    """Return the user with that address."""
    from apps.users.models import User

    return User.objects.get(email=email)


def people() -> None:
    """Create all users but Ada, who is made by the set-up; also groups, an invitation and a limit."""
    from allauth.account.models import EmailAddress
    from django.contrib.auth.models import Group

    from apps.users import invitations, rate_limits
    from apps.users.models import User, rate_limit
    from tests.support.password import PASSWORD

    for email, (name, role) in NAMES.items():
        one = User.objects.create_user(email, PASSWORD, name=name, role=role)
        EmailAddress.objects.create(user=one, email=email, verified=True, primary=True)
    User.objects.filter(email=f"priya.nair@{HOST}").update(is_active=False)
    for name, members in {"Board": (ADA, TOM, MAYA), "Caretakers": (TOM,)}.items():
        group, _ = Group.objects.get_or_create(name=name)
        for email in members:
            user(email).groups.add(group)
    invitations.create_invitation(user(ADA), f"jonas.brandt@{HOST}")
    board = Group.objects.get(name="Board")
    rate_limits.change_limit(
        rate_limit.LimitScope.GROUP, rate_limit.LimitedResource.UPLOADS, rate_limit.Rate(20_000, 20_000), board.pk
    )


def library() -> None:
    """Create five collections with shares, files of every kind, and a few files that cannot be read."""
    from django.contrib.auth.models import Group

    from apps.documents.library import sharing
    from tests.documents import sample_files

    ada, tom, board = user(ADA), user(TOM), Group.objects.get(name="Board")
    house = _shelf(ada, "House handbook", "Rules and rooms that everybody shares", everyone=True)
    _put(ada, house, "house-rules.md", texts.RULES)
    _put(ada, house, "guest-flat.md", texts.GUESTS)
    _put(ada, house, "laundry-room.md", texts.LAUNDRY)
    _put(ada, house, "Moving in and out.docx", sample_files.docx(*texts.MOVING))
    sharing.share_with_address(house.owner, house, MAYA, "editor")
    plant = _shelf(tom, "Building manuals", "Heating, lift and what to do when something beeps", everyone=True)
    _put(tom, plant, "heating-plant.pdf", _pdf(texts.BOILER, "Heating plant"))
    _put(tom, plant, "lift-house-5.pdf", _pdf(texts.LIFT, "Lift in house 5"))
    energy = _shelf(ada, "Energy", "Reports, meters and the solar roof")
    sharing.share_with_group(energy.owner, energy, board, "editor")
    _put(ada, energy, "energy-report-2025.pdf", _pdf(texts.ENERGY, "Energy report 2025"))
    _put(ada, energy, "solar-roof.csv", texts.SOLAR)
    _put(ada, energy, "meters.xlsx", _workbook())
    _put(ada, energy, "share_costs.py", texts.SCRIPT)
    minutes = _shelf(ada, "Board", "Minutes, letters and offers; for the board only")
    sharing.share_with_group(minutes.owner, minutes, board, "reader")
    _put(ada, minutes, "minutes-2026-10-14.md", texts.MINUTES)
    _put(ada, minutes, "work-on-the-main-pipe.eml", texts.MAIL)
    _put(ada, minutes, "offer-volt-and-partner.md", texts.CHARGING)
    _put(ada, minutes, "offer-charging-points.txt", texts.PLANTED)
    _put(ada, minutes, "auditors-letter.pdf", sample_files.encrypted_pdf())


def habits() -> None:
    """Create saved prompts, instructions, facts and tokens of Maya."""
    from apps.conversations.models import SavedPrompt
    from apps.users import api_tokens
    from apps.users.models import User

    maya = user(MAYA)
    prompts = {
        "notice": "Write a notice for the stairwells about {{what}} on {{day}}. At most eighty words, with the times.",
        "summary": "Summarise {{document}} in five points for the next meeting.",
    }
    for name, text in prompts.items():
        SavedPrompt.objects.create(owner=maya, name=name, text=text, everyone=name == "summary")
    facts = [{"text": text, "on": True} for text in ("I live in house 4", "I write the minutes of the board")]
    User.objects.filter(pk=maya.pk).update(instructions="Answer briefly, and in metric units.", facts=facts)
    api_tokens.create_token(maya, "Calendar of the office", ["read"], 90)
    api_tokens.create_token(maya, "Script for the energy report", ["chat", "read"], None)


def helpers() -> None:
    """Create assistants, tool settings, a retention rule and a legal hold."""
    from django.contrib.auth.models import Group

    from apps.conversations.assistants import services
    from apps.conversations.models import ToolServer, ToolSetting
    from apps.documents.models import Collection
    from apps.privacy import retention
    from apps.privacy.models import RetentionRule

    tom, ada = user(TOM), user(ADA)
    content = {
        "name": "Caretaker", "description": "Answers from the manuals, step by step",
        "instructions": "Answer as the caretaker of the house: the steps in order, then whom to call.",
        "examples": [{"question": "The light in the stairwell is out.",
                      "answer": "1. Press the switch on the next floor.\n2. If it stays dark, write to the office."}],
        "starters": ["The boiler shows E4. What should I do?", "Somebody is stuck in the lift. Who comes?"],
        "preset": "precise",
    }  # fmt: skip
    plant = Collection.objects.filter(name="Building manuals")
    row = services.create_assistant(tom, content, plant)
    services.update_assistant(
        tom, row, {**content, "description": "Steps from the manuals, and whom to call"}, plant, 1
    )
    services.share_assistant(row.owner, row, "reader", group=Group.objects.get(name="Board"))
    services.share_assistant(row.owner, row, "editor", email=MAYA)
    letters = {"name": "Letters", "description": "Drafts notices and letters to members", "preset": "creative"}
    services.create_assistant(ada, letters, Collection.objects.none())
    type(row).objects.update(everyone=True)
    ToolServer.objects.create(name="weather", address="https://weather.example/mcp", tools=[])
    ToolSetting.objects.create(name="draw_picture", permission="ask")
    retention.change_rule(ada, RetentionRule.Scope.SITE, 730)
    retention.hold_user(ada, user(PAT), "A claim about the deposit of flat 12 is in court until March 2027.")


def golden() -> None:
    """Create golden questions and runs, and start a build with other search settings. Documents must be ready."""
    from apps.documents.indexing import shadow_build
    from apps.documents.models import Chunk, Collection
    from apps.documents.settings import CollectionSettings
    from apps.evaluation.golden_questions import answer_runs
    from apps.evaluation.golden_questions import runs as golden_questions

    tom, plant = user(TOM), Collection.objects.get(name="Building manuals")
    for question, words in {
        "What does error E4 mean?": "pressure is too low",
        "When is the boiler serviced?": "every spring",
        "How many people does the lift carry?": "eight people",
        "Who comes when somebody is stuck?": "emergency centre",
        "How hot has the water to be?": "58 degrees",
        "Which filters are changed in March?": "heat pumps",
    }.items():
        chunk = Chunk.objects.filter(document__collection=plant, text__contains=words).first()
        golden_questions.add_question(tom, plant, question, document=None, chunk=chunk, expected_words=words)
    golden_questions.request_run(plant, tom)
    answer_runs.request_answer_run(plant, tom)
    shadow_build.begin(plant, CollectionSettings(chunk_tokens=80), tom)


def _shelf(owner: Any, name: str, description: str, **fields: Any) -> Any:
    from apps.documents.models import Collection

    return Collection.objects.create(owner=owner, name=name, description=description, **fields)


def _put(person: Any, collection: Any, name: str, data: str | bytes) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    from apps.documents.library.uploads import store_upload

    store_upload(person, collection, SimpleUploadedFile(name, data.encode() if isinstance(data, str) else data))


def _pdf(pages: list[tuple[str, str]], title: str) -> bytes:
    from fpdf import FPDF

    document = FPDF(format="A4")
    document.set_title(title)
    document.set_margin(24)
    for heading, text in pages:
        document.add_page()
        document.set_font("helvetica", style="B", size=20)
        document.multi_cell(0, text=heading, new_x="LMARGIN", new_y="NEXT")
        document.ln(6)
        document.set_font("helvetica", size=12)
        document.multi_cell(0, 7, text=text)
    return bytes(document.output())


def _workbook() -> bytes:
    import xlsxwriter

    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Meters 2025")
        for at, row in enumerate(texts.METERS):
            sheet.write_row(at, 0, row)
    return stream.getvalue()
