"""Fills a site's data from outside its processes: `python -m tests.journeys.seed people | library | states`."""

from __future__ import annotations

import os
import sys

import django

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
    from apps.users.models import User
    from tests.people import person

    person("ada", User.Role.ADMINISTRATOR)
    person("alice")


def library() -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile
    from fpdf import FPDF

    from apps.documents.models import Collection
    from apps.documents.upload import upload
    from apps.users.models import User

    pdf = FPDF()
    pdf.set_font("Helvetica", size=12)
    for text in BOILER:
        pdf.add_page()
        pdf.multi_cell(0, 8, text)
    ada = User.objects.get(email="ada@example.org")
    rules = Collection.objects.create(owner=ada, name="House rules", everyone=True)
    upload(ada, rules, SimpleUploadedFile("parental-leave.md", LEAVE.encode()))
    upload(ada, rules, SimpleUploadedFile("travel.md", TRAVEL.encode()))
    manuals = Collection.objects.create(owner=ada, name="Manuals", everyone=True)
    upload(ada, manuals, SimpleUploadedFile("boiler.pdf", bytes(pdf.output())))


def states() -> None:
    from apps.documents.models import Document

    sys.stdout.write(" ".join(Document.objects.values_list("status", flat=True)))


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "assistant.settings"
    django.setup()
    {"people": people, "library": library, "states": states}[sys.argv[1]]()
