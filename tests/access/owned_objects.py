"""Objects that Alice owns, their URLs for `tests/access/test_routes.py`, and a query whether they are unchanged."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Model, QuerySet

from apps.conversations.models import (
    Assistant,
    AttachedPicture,
    Conversation,
    Folder,
    ImportJob,
    Message,
    SavedPrompt,
    Source,
)
from apps.documents.models import Chunk, Collection, Document, IndexBuild, Membership
from apps.evaluation.models import GoldenQuestion, GoldenRun
from apps.images.models import Picture, Preset
from apps.users.invitations import create_invitation
from apps.users.models import Invitation, User
from tests.access.route_permissions import C, D, M, P
from tests.factories import make_collection, make_document, make_user


@dataclass
class OwnedObjects:
    """Objects of Alice. Bob may read her collection; Charlie has no access.

    `address` returns the URL of a route of the matrix, filled in with the ids of these objects.
    """

    shelf: Collection
    paper: Document
    talk: Conversation
    answer: Message
    invitation: Invitation
    group: Group
    helper: Assistant
    picture: Picture
    question: tuple[str, list[Any]] | None = None  # cached SQL of `unchanged` with its parameters

    def address(self, route: str, alice: User) -> str:
        pk = self._pick(route, alice)
        parts = {
            "<uuidstr:pk>": pk,
            "<uuid:pk>": pk,
            "<int:pk>": pk,
            "<path:object_id>": pk,
            "<path:path>": f"Users/{alice.pk}",
            "<uuid:answer>": self.answer.pk,
            "<uuid:conversation>": self.talk.pk,
            "<int:number>": 1,
            "<int:step>": 1,
            "<slug:name>": "x",
            "<str:name>": "x",
            "<str:token>": "x",
            "<slug:kind>": "judge",
            "<slug:secret>": "x",
        }
        for part, value in parts.items():
            route = route.replace(part, str(value))
        small = "?small" if re.fullmatch(r"attached/[0-9a-f-]+/", route) else ""  # only its thumbnail exists
        query = f"?before={self.answer.pk}" if route.endswith("/turns/") else small
        return "/" + re.sub(r"\(\?P<\w+>[^)]*\)", "x1", route).replace("^", "").rstrip("$") + query

    def _pick(self, route: str, alice: User) -> object:
        if route.startswith(P):
            pk: object = self.invitation.pk if "invitations" in route else alice.pk
            pk = self.group.pk if "groups" in route else pk
        else:
            pk = self.shelf.pk if route.startswith(C) else self.paper.pk if route.startswith(D) else self.talk.pk
        if route.startswith(M):
            pk = self.group.pk if "group" in route else self.shelf.pk if "collection" in route else alice.pk
        if route.startswith("folders/"):
            pk = self.talk.folder_id
        if route.startswith("assistants/"):
            pk = self.helper.pk
        if route.startswith("prompts/"):
            pk = 1
        if route.startswith("pictures/"):
            pk = 1 if "presets" in route else self.picture.pk
        if route.startswith("attached/"):
            pk = AttachedPicture.objects.get().pk
        if route.startswith("files/"):
            pk = Document.objects.get(collection__of_chat=True).pk
        if route.startswith("conversations/import/"):
            pk = ImportJob.objects.get().pk
        if route.startswith("api/"):
            pk = self.shelf.pk if "collections" in route else self.paper.pk if "documents" in route else self.talk.pk
        return pk

    def unchanged(self) -> bool:
        """Return whether every object still is as `build` made it."""
        if not self.question:
            self.question = asked(self.there(), self.absent())
        with connection.cursor() as cursor:
            cursor.execute(*self.question)
            return bool(cursor.fetchone()[0])

    def there(self) -> list[QuerySet[Any]]:
        """Return query sets that must have a row."""
        return [
            Collection.objects.filter(pk=self.shelf.pk, name="Library", everyone=False, search_settings={}),
            Document.objects.filter(pk=self.paper.pk, status="ready", title="Paper"),
            self.shelf.documents.all(),
            Conversation.objects.filter(pk=self.talk.pk, title="Talk"),
            Folder.objects.filter(pk=self.talk.folder_id, name="Drawer"),
            Assistant.objects.filter(pk=self.helper.pk, name="Helper", everyone=False, version=1),
            SavedPrompt.objects.filter(pk=1, name="Letter", everyone=False),
            Membership.objects.filter(collection=self.shelf),
            Invitation.objects.filter(pk=self.invitation.pk),
            Group.objects.filter(pk=self.group.pk, name="Team"),
            GoldenQuestion.objects.filter(collection=self.shelf),
            IndexBuild.objects.filter(pk=1, status=IndexBuild.Status.BUILT),
            Preset.objects.filter(pk=1, name="Harbour"),
            Picture.objects.filter(pk=self.picture.pk, favourite=False),
            AttachedPicture.objects.filter(name="a.png"),
            Chunk.objects.filter(document=self.paper, enabled=True, keywords=""),
            User.objects.filter(role=User.Role.ADMINISTRATOR),
        ]

    def absent(self) -> list[QuerySet[Any]]:
        """Return query sets that must have no row."""
        return [
            self.shelf.documents.all()[1:],
            Membership.objects.filter(collection=self.shelf)[1:],
            self.shelf.group_shares.all(),
            GoldenQuestion.objects.filter(collection=self.shelf)[1:],
            GoldenRun.objects.all(),
            Picture.objects.exclude(pk=self.picture.pk),
            User.objects.filter(role=User.Role.ADMINISTRATOR)[1:],
        ]


def asked(there: Sequence[QuerySet[Any]], absent: Sequence[QuerySet[Any]]) -> tuple[str, list[Any]]:
    """Return one SQL statement with its parameters for all query sets, since it runs 1,200 times."""
    parts, values = [], list[Any]()
    for verb, rows in [("EXISTS", row) for row in there] + [("NOT EXISTS", row) for row in absent]:
        sql, given = rows.values("pk").query.sql_with_params()
        parts.append(f"{verb} ({sql})")
        values += given
    return f"SELECT {' AND '.join(parts)}", values


def first(row: Model) -> None:
    """Give the row the id 1, which URLs of the tests use. Later ids of the database are unaffected."""
    type(row)._base_manager.filter(pk=row.pk).update(id=1)


def build() -> OwnedObjects:
    """Create the users and every object."""
    alice, bob, _ = (make_user(name) for name in ("alice", "bob", "charlie"))
    ada = make_user("ada", User.Role.ADMINISTRATOR)
    collection = make_collection(alice)
    paper = make_document(collection, "Paper", ["The only sentence of Alice."])
    Membership.objects.create(collection=collection, user=bob)
    first(GoldenQuestion.objects.create(collection=collection, text="What?", document=paper))
    built = {"status": IndexBuild.Status.BUILT, "search_settings": {"vector_weight": 0.5}}
    first(IndexBuild.objects.create(collection=collection, **built))
    drawer = Folder.objects.create(owner=alice, name="Drawer")
    conversation = Conversation.objects.create(owner=alice, title="Talk", folder=drawer)
    conversation.files = Collection.all_objects.create(owner=alice, name="Quagga shelf", of_chat=True)
    conversation.save()
    attached = {"name": "quagga.txt", "size": 1, "status": "ready", "file": "documents/gone2", "sha256": "1"}
    Document.objects.create(collection=conversation.files, uploaded_by=alice, **attached)
    answer = None
    for number in range(2):
        said = {"conversation": conversation, "asked_by": alice}
        question = Message.objects.create(parent=answer, role="user", text="What?", client_id=f"q{number}", **said)
        answer = Message.objects.create(parent=question, role="assistant", text="That.", **said)
    Message.objects.create(parent=question, role="assistant", text="This.", **said)
    Source.objects.create(conversation=conversation, number=1, document=paper, page_number=1, spans=[[0, 8]])
    create_invitation(ada)
    ImportJob.objects.create(owner=alice, name="chats.json", status=ImportJob.Status.DONE)
    helper = Assistant.objects.create(owner=alice, name="Helper")
    AttachedPicture.objects.create(owner=alice, name="a.png", width=9, height=9, sha256="0", file="attached/gone.png")
    first(SavedPrompt.objects.create(owner=alice, name="Letter", text="Write to {{whom}}."))
    drawn = {"width": 64, "height": 64, "steps": 1, "guidance": 1, "seed": 1, "model": "m", "preview": b"jpeg"}
    drawn |= {"prompt": "A lighthouse", "status": "ready", "file": "pictures/gone.png"}
    picture = Picture.objects.create(owner=alice, **drawn)
    first(Preset.objects.create(owner=alice, name="Harbour"))
    team = Group.objects.create(name="Team")
    return OwnedObjects(collection, paper, conversation, answer, Invitation.objects.get(), team, helper, picture)
