"""Kill a real worker at one point of an erasure after another, and print what is left of the user as JSON.

DATA_DIR=… python -m tests.privacy.killed_eraser

The database is a file, the index is real, and the worker is Celery's, as `./run serve` starts it.
"""

# ruff: noqa: E402 - Django is set up before its models are imported

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")
django.setup()

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connections

from apps.conversations.history import conversation_actions
from apps.conversations.models import AttachedPicture, Conversation, ImportJob, Message
from apps.conversations.transfer import import_job
from apps.documents.ingestion.pipeline import ingest
from apps.documents.library.uploads import store_upload
from apps.documents.models import Collection, Segment
from apps.images.models import Picture
from apps.privacy import data_export, data_requests
from apps.privacy.models import DataRequest
from apps.users.models import User

MARK = "zephyrine"  # a word in all data of Alice, and in no other
OPTIONS = ("--pool", "threads", "--concurrency", "5", "--without-gossip", "--without-mingle", "--loglevel", "WARNING")
LATEST_S = 300  # a longer wait means a defect, not a slow machine
ERASING, SHARING = "apps.privacy.erasure", "apps.documents.library.sharing"
MOMENTS = (  # module, function, number of its call, before or after it
    f"{ERASING} _note_files 1 before",
    f"{ERASING} _note_files 1 after",
    f"{ERASING} remove_collection 2 before",
    f"{ERASING} remove_collection 1 after",
    f"{SHARING} remove_files 1 before",
    f"{ERASING} delete_permanently 1 before",
    f"{ERASING} delete_permanently 2 after",
    "apps.images.library.gallery _remove_files 1 before",
    f"{ERASING} _forget_review 1 after",
    f"{ERASING} _remove_files 1 before",
    "os unlink 2 after",
    f"{ERASING} _forget_account 1 after",
    "apps.privacy.sqlite_remnants remove_traces 1 before",
    f"{ERASING} finish 1 before",
    f"{ERASING} finish 1 after",
)
EXPECTED = {"collections": 3, "documents": 6, "conversations": 45, "pictures": 2, "attached pictures": 2, "copies": 1}


def main() -> dict[str, object]:
    """Run the erasure with all its interruptions, and return what is left."""
    call_command("migrate", verbosity=0)
    alice = User.objects.create_user("alice@example.org", name="Alice")
    User.objects.create_user("ada@example.org", role=User.Role.ADMINISTRATOR)
    plant(alice)
    planted = traces()
    data_request = data_requests.request_erasure(alice)
    killed = [moment for moment in MOMENTS if kill_at(moment, data_request)]
    worker = start("")
    until(lambda: DataRequest.objects.get(pk=data_request.pk).status != DataRequest.Status.WAITING, worker)
    worker.kill()
    worker.wait()
    data_request.refresh_from_db()
    connections.close_all()
    return {
        "planted": planted, "killed": killed, "status": data_request.status, "counts": data_request.counts,
        "reason": data_request.reason,
        "fault": data_request.error, "left": traces(), "user": User.objects.filter(pk=alice.pk).exists(),
        "files": sorted(path.name for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()),
        "segments": sorted(path.name for path in index().rglob("*") if path.is_file()),
    }  # fmt: skip


def plant(alice: User) -> None:
    """Give Alice indexed documents, conversations, pictures, an import and an export."""
    for number in range(3):
        collection = Collection.objects.create(owner=alice, name=f"{MARK} shelf {number}")
        papers = [
            store_upload(
                alice, collection, SimpleUploadedFile(f"{part}.txt", f"{MARK} wrote {number}{part}.\n".encode() * 300)
            )
            for part in range(2)
        ]
        for paper in papers:
            ingest(paper.pk)
    for number in range(45):
        conversation = Conversation.objects.create(owner=alice, title=f"{MARK} talk")
        asked = Message.objects.create(
            conversation=conversation, role="user", text=f"{MARK}? " * 500, asked_by=alice, client_id=str(number)
        )
        Message.objects.create(
            conversation=conversation, parent=asked, role="assistant", text=f"{MARK}. " * 2000, asked_by=alice
        )
    gone = Conversation.objects.create(owner=alice, title="Deleted before")
    Message.objects.create(conversation=gone, role="user", text=f"{MARK} gone" * 900, asked_by=alice, client_id="x")
    conversation_actions.delete_permanently([gone.pk])
    for number in range(2):
        picture = Picture(
            owner=alice, prompt=f"{MARK} in oil", width=64, height=64, steps=4, guidance=1, seed=number, model="fake",
            status=Picture.Status.READY,
        )  # fmt: skip
        picture.file.save(f"{picture.pk}.png", ContentFile(MARK.encode()), save=False)
        picture.save(force_insert=True)
        attached = AttachedPicture(owner=alice, name=f"{MARK}.png", text=MARK, width=1, height=1, thumbnail=b"")
        attached.file.save(f"{attached.pk}.png", ContentFile(MARK.encode()), save=False)
        attached.save(force_insert=True)
    waiting = ImportJob.objects.create(owner=alice, name=f"{MARK}.json")
    import_job.get_import_folder().mkdir(parents=True, exist_ok=True)
    import_job.get_stored_path(waiting).write_text(MARK)
    ImportJob.objects.update(status=ImportJob.Status.FAILED)
    data_requests.process_request(str(data_requests.request_copy(alice).pk))
    assert Segment.objects.exists() and data_export.archive_path(DataRequest.objects.get()).is_file()


def kill_at(moment: str, wish: DataRequest) -> bool:
    """Start a worker that stops at this point of the erasure, and kill it there. Return whether it got there."""
    marker = Path(os.environ["TEST_MARKER"])
    marker.unlink(missing_ok=True)
    worker = start(moment)
    until(lambda: marker.exists() or DataRequest.objects.get(pk=wish.pk).status != DataRequest.Status.WAITING, worker)
    worker.kill()
    worker.wait()
    DataRequest.objects.filter(status=DataRequest.Status.WAITING).update(lease_until=None, lease_token="", attempts=0)
    return marker.exists()


def start(moment: str) -> subprocess.Popen[bytes]:
    """Start a Celery worker that hangs at that point; "": nowhere."""
    with Path(settings.DATA_DIR, "worker.log").open("ab") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "tests.privacy.slow_eraser", "--quiet", "worker", *OPTIONS],
            cwd=settings.BASE_DIR, stdout=log, stderr=log, env={**os.environ, "TEST_PAUSE": moment},
        )  # fmt: skip
    return worker


def until(what: Callable[[], bool], worker: subprocess.Popen[bytes]) -> None:
    """Wait until the condition holds. Exit with the log if the worker ends or it takes too long."""
    deadline = time.monotonic() + LATEST_S
    while not what():
        if time.monotonic() > deadline or worker.poll() is not None:
            raise SystemExit(f"It did not happen: {Path(settings.DATA_DIR, 'worker.log').read_text()[-3000:]}")
        time.sleep(0.1)


def traces() -> list[str]:
    """Return the files in the data directory whose bytes contain the word, except the log.

    Another process reads them: closing a file of SQLite in this process would release the locks of its connections.
    """
    found = subprocess.run(
        ["grep", "--recursive", "--text", "--ignore-case", "--files-with-matches", "--exclude=worker.log", MARK, "."],
        cwd=settings.DATA_DIR, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return sorted(found.stdout.split())


def index() -> Path:
    """Return the directory of the search index."""
    return Path(settings.ENGINES["index"]["OPTIONS"]["directory"])


if __name__ == "__main__":
    print(json.dumps(main()))
