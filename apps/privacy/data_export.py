"""Write a ZIP with all data about a user, as JSON and files.

Every table with a foreign key to users is included, so a new table cannot be forgotten. Password and token hashes, and
sessions, are left out.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.apps import apps
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext_lazy

from apps.conversations.models import AttachedPicture, Conversation, Message
from apps.conversations.transfer import export
from apps.documents.models import Collection, Document
from apps.images.models import Picture
from apps.privacy.models import DataRequest
from apps.safety import code_labels
from apps.safety.models import Appeal, AppliedEffect, AuditEntry, Case, Decision
from apps.safety.text.redaction_marks import REDACTION_CHARACTER
from apps.users.i18n import use_language_of
from apps.users.models import User

FORMAT = "openbook-person/1"
INDEX = "index.html"
_SECTIONS = {  # folder of the archive: heading of the index
    "": gettext_lazy("Account"), "conversations": gettext_lazy("Conversations"),
    "collections": gettext_lazy("Collections"), "files": gettext_lazy("Documents and attached files"),
    "pictures": gettext_lazy("Pictures"), "attached": gettext_lazy("Attached pictures"),
    "review": gettext_lazy("Decisions about your content"), "rows": gettext_lazy("Other records"),
}  # fmt: skip
# Never exported: secrets, and columns that only repeat documents in another form.
SECRET_COLUMNS = {
    "password",
    "secret_hash",
    "session_data",
    "lease_token",
    "key",
    "vector",
    "data",
    "picture",
    "erased_user",
}
_ELSEWHERE = {"admin.logentry", "privacy.datarequest"}
_BATCH = 500
_OPENINGS = {  # event of the audit log: what happened
    "break_glass.approved": "conversations opened (break-glass)",
    "break_glass.opened": "conversations opened in an emergency (break-glass)",
    "glass.approved": "conversations opened (break-glass)",  # these two of former releases
    "glass.opened": "conversations opened in an emergency (break-glass)",
}

README = {
    "format": FORMAT,
    "read me": "index.html links to all files by title. account.json is your account; "
    "conversations/ has your conversations with their sources, as the page exports them; "
    "files/ the documents of your collections and the files attached to your chats, as uploaded; "
    "pictures/ what was drawn for you; "
    "attached/ the pictures that you attached to questions; rows/ every row that names you; "
    "review/ what was decided about you; access-log.json when and why staff read your data (looked.json in copies of "
    "earlier versions). Answers were written by a language model. Hashes of passwords and tokens are not copied.",
    "digital_source_type of answers": export.SOURCE_TYPE,
}


def export_folder() -> Path:
    """Return the folder of finished exports."""
    return Path(settings.DATA_DIR) / "exports"


def archive_path(data_request: DataRequest) -> Path:
    """Return the path of the ZIP of this request."""
    return export_folder() / f"{data_request.pk.hex}.zip"


def write_archive(data_request: DataRequest, user: User) -> tuple[dict[str, int], str, int]:
    """Write the ZIP and return counts by kind, SHA-256 and size in bytes.

    The file is renamed into place when it is complete.
    """
    export_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    target = archive_path(data_request)
    part = target.with_suffix(".part")
    counts: dict[str, int] = {}
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as out:
            parts: list[tuple[str, str]] = []
            for name, content in _archive_parts(user):
                kind = name.partition("/")[0]
                counts[kind] = counts.get(kind, 0) + 1
                parts.append((name, _get_title(name, content)))
                if isinstance(content, Path):
                    out.write(content, name)
                else:
                    out.writestr(name, json.dumps(content, indent=1, ensure_ascii=False, cls=DjangoJSONEncoder))
            out.writestr(INDEX, _render_index(user, parts))
        part.chmod(0o600)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return counts, _sha256(target), target.stat().st_size


def _render_index(user: User, parts: Iterable[tuple[str, str]]) -> str:
    """Return the HTML page that links to every file of the archive by its title, in the user's language."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for name, title in parts:
        sections.setdefault(name.partition("/")[0] if "/" in name else "", []).append((quote(name), title))
    with use_language_of(user):
        rows = [(_SECTIONS.get(kind, kind), files) for kind, files in sections.items()]
        return render_to_string("privacy/export_index.html", {"sections": rows, "made": timezone.now()})


def _get_title(name: str, content: Any) -> str:
    """Return the title of a conversation or collection, as its file has it; the name of any other file."""
    folder, _, rest = name.partition("/")
    titled = folder in ("conversations", "collections") and (content.get("title") or content.get("name"))
    return str(titled or rest.rpartition("/")[2] or name)


def _archive_parts(user: User) -> Iterator[tuple[str, Any]]:
    yield "about.json", {**README, "made": timezone.now()}
    yield "account.json", {**_row(user), "groups": list(user.groups.values_list("name", flat=True))}
    for conversation in Conversation.objects.owned_by(user).iterator(chunk_size=50):
        yield f"conversations/{conversation.pk}.json", export.export_conversation(user, conversation, own=True)
    for collection in Collection.all_objects.filter(owner=user):
        rows = list(Document.all_objects.filter(collection=collection))
        yield f"collections/{collection.pk}.json", {**_row(collection), "documents": [_row(row) for row in rows]}
        for row in rows:
            if path := _find_file(row.file):
                yield f"files/{collection.pk}/{row.pk}/{row.name.replace('/', '_')}", path
    # A picture held for review may not be seen by its owner either.
    for picture in Picture.objects.filter(owner=user).exclude(status=Picture.Status.HELD):
        if path := _find_file(picture.file):
            yield f"pictures/{picture.pk}-{picture.file_stem}{path.suffix}", path
    for picture in Picture.objects.filter(owner=user):
        for name in ("start", "mask"):
            if path := _find_file(getattr(picture, name)):
                yield f"pictures/{picture.pk}-{name}{path.suffix}", path
    for attached in AttachedPicture.objects.filter(owner=user):
        if path := _find_file(attached.file):
            yield f"attached/{attached.pk}{path.suffix}", path
    yield from _review(user)
    yield "access-log.json", list(_readings(user))
    for model, names in models_naming_user():
        named = model._default_manager.filter(_any(names, user)).distinct()
        found = [_row(row) for row in named.iterator(chunk_size=_BATCH)]
        if found:
            yield f"rows/{model._meta.label_lower}.json", found


def _find_file(stored: models.fields.files.FieldFile) -> Path | None:
    """Return the path of the stored file; None if the row has none, or it is missing."""
    path = Path(settings.MEDIA_ROOT) / str(stored)
    return path if stored and path.is_file() else None


def _readings(user: User) -> Iterator[dict[str, Any]]:
    """Yield when and why staff read or opened data of the user, from the audit log. Staff stay unnamed."""
    rows = AuditEntry.objects.filter(user=user.pk, kind__in=["read", *_OPENINGS]).exclude(actor=user.pk)
    for event in rows:
        payload = event.payload if event.kind == "read" else {**event.payload, "why": "break_glass"}
        what = _OPENINGS.get(event.kind, "read")
        why = code_labels.reading_reason(payload)
        yield {"at": event.created, "what": what, "by": "a member of the staff", "why": why}


def _review(user: User) -> Iterator[tuple[str, Any]]:
    """Yield the cases about the user with decisions and appeals. Reviewers stay unnamed."""
    for case in Case.objects.filter(owner=user).select_related("snapshot"):
        decided = Decision.objects.filter(case=case)
        yield f"review/{case.pk}.json", {
            "clause": case.clause, "state": case.state, "opened": case.created, "text": _text(case),
            "decisions": list(decided.values("outcome", "clause", "reason", "note", "created", "undone")),
            "appeals": list(Appeal.objects.filter(decision__in=decided).values("text", "created")),
        }  # fmt: skip


def _text(case: Case) -> str:
    """Return the flagged text; "" for an answer that is withheld or partly redacted, which the user may not read."""
    if case.kind != "answer":
        return case.snapshot.text
    stands = AppliedEffect.objects.filter(
        name__in=["withhold", "redact"], subject=case.subject, state=AppliedEffect.State.APPLIED
    )
    hidden = Q(retracted__isnull=False) | Q(text__contains=REDACTION_CHARACTER)  # the latter finds redacted copies
    gone = stands.exists() or Message.objects.filter(hidden, pk=case.subject).exists()
    return "" if gone else case.snapshot.text


def models_naming_user() -> Iterator[tuple[type[models.Model], list[str]]]:
    """Yield every model with the names of its foreign keys to users.

    Models of safety are left out, except notices and restrictions: a reviewer's work is not only about the reviewer.
    """
    for model in apps.get_models():
        label = model._meta.label_lower
        names = [
            field.name
            for field in model._meta.concrete_fields
            if isinstance(field, models.ForeignKey) and field.related_model is User
        ]
        if names and label not in _ELSEWHERE and model._meta.app_label != "safety":
            yield model, names
    yield apps.get_model("safety", "Notice"), ["user"]
    yield apps.get_model("safety", "FeatureRestriction"), ["user"]


def _any(names: list[str], user: User) -> models.Q:
    wanted = models.Q()
    for name in names:
        wanted |= models.Q(**{name: user})
    return wanted


def _row(row: models.Model) -> dict[str, Any]:
    """Return the columns of a row without secrets. Other users appear by their ids."""
    return {
        field.attname: _plain(field.value_from_object(row))
        for field in row._meta.concrete_fields
        if field.name not in SECRET_COLUMNS and not isinstance(field, models.BinaryField)
    }


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, models.fields.files.FieldFile) else value


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
