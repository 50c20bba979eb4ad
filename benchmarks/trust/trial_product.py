"""Product side of the trial, in a process of its own with its data directory. Prints JSON.

DATA_DIR=… python -m benchmarks.trust.trial_product fill FOLDER    upload and ingest the files of a folder
DATA_DIR=… python -m benchmarks.trust.trial_product texts          page texts by document, as parsed
DATA_DIR=… python -m benchmarks.trust.trial_product answers        citations of the answers named on standard input
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")

LIBRARY = "Library"
MESSAGES = 10_000  # messages that the trial's user may send at once; the default is 200


def fill_library(folder: Path) -> dict[str, Any]:
    """Return the session of a new user whose only collection holds the files of `folder`, read by the worker's own
    pipeline. Also return the names of the files that could not be read, each with the reason."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    from django.core.files.uploadedfile import SimpleUploadedFile

    from apps.documents.library.uploads import store_upload
    from apps.documents.models import Collection, Document
    from apps.users.models import User
    from apps.users.models.rate_limit import LimitedResource, LimitScope, RateLimit
    from benchmarks.ingest import worker as ingest_worker
    from benchmarks.lib import fixtures

    RateLimit.objects.create(
        scope=LimitScope.USER, resource=LimitedResource.MESSAGES, burst=MESSAGES, per_hour=MESSAGES
    )
    user = User.objects.create_user("trial@example.org", uuid4().hex)
    place = Collection.objects.create(owner=user, name=LIBRARY)
    with ingest_worker.run_worker():
        for path in sorted(folder.iterdir()):
            store_upload(user, place, SimpleUploadedFile(path.name, path.read_bytes()))
    unread = {row.name: row.reason for row in place.documents.exclude(status=Document.Status.READY)}
    return {"session": fixtures.create_session(user), "unread": unread}


def read_texts() -> dict[str, list[str]]:
    """Return the texts of all pages by document name, in the order of the pages."""
    from apps.documents.models import Page

    texts: dict[str, list[str]] = {}
    pages = Page.objects.filter(document__collection__name=LIBRARY).select_related("document")
    for page in pages.order_by("document", "number"):
        texts.setdefault(page.document.name, []).append(page.text)
    return texts


def read_answers(keys: Iterable[str]) -> dict[str, Any]:
    """Return by answer its status and the citations of its sentences, each with the text of the page it cites."""
    from apps.conversations.models import Message
    from apps.documents.models import Page

    found: dict[str, Any] = {}
    for answer in Message.objects.filter(pk__in=list(keys)).prefetch_related("citations__source__document"):
        cites: dict[int, list[dict[str, Any]]] = {}
        for cite in answer.citations.exclude(source=None):
            if (source := cite.source) is None or source.document_id is None:
                continue  # its document was deleted
            page = Page.objects.get(document_id=source.document_id, number=source.page_number)
            cites.setdefault(cite.sentence, []).append(
                {
                    "source": source.number,
                    "document": page.document.name,
                    "page": page.number,
                    "score": cite.score,
                    "support": page.text[cite.source_start : cite.source_end],
                    "text": page.text,
                }
            )
        found[str(answer.pk)] = {"status": answer.status, "reason": answer.reason, "text": answer.text, "cites": cites}
    return found


def main(arguments: list[str]) -> dict[str, Any]:
    """Run the verb and return its result. Exit with the usage for other arguments."""
    django.setup()
    match arguments:
        case ["fill", folder]:
            return fill_library(Path(folder))
        case ["texts"]:
            return read_texts()
        case ["answers"]:
            return read_answers(json.load(sys.stdin))
    raise SystemExit(__doc__)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
