"""Each verb that changes something refuses a user who may not change it, whoever calls it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.exceptions import PermissionDenied

from apps.conversations.assistants import services
from apps.conversations.feedback import comparison, rating
from apps.conversations.history import branching, folders, tags
from apps.conversations.models import Assistant, Conversation, Folder, Share
from apps.conversations.models.feedback import Feedback
from apps.conversations.sharing import links
from apps.documents.models import Collection
from apps.users.models import User
from tests.factories import make_exchange, make_user

pytestmark = pytest.mark.django_db


class Rows:
    """What one user has: a conversation with an answer, a rating, a folder and an assistant."""

    def __init__(self) -> None:
        self.owner = make_user("ada")
        self.answer = make_exchange(self.owner)
        self.conversation = self.answer.conversation
        self.feedback = Feedback.objects.create(answer=self.answer, user=self.owner, is_positive=False)
        self.folder = Folder.objects.create(owner=self.owner, name="Garden")
        self.assistant = Assistant.objects.create(owner=self.owner, name="Gardener", everyone=True, version=1)


SAID = {"reasons": [], "note": "", "report": False, "lend": False}
VERBS: dict[str, Callable[[User, Rows], object]] = {
    "enable_link": lambda user, rows: links.enable_link(user, rows.conversation, None, "none", ""),
    "disable_link": lambda user, rows: links.disable_link(user, rows.conversation),
    "select_branch": lambda user, rows: branching.select_branch(user, rows.conversation, None),
    "fork_conversation": lambda user, rows: branching.fork_conversation(user, rows.conversation, None),
    "set_tags": lambda user, rows: tags.set_tags(user, rows.conversation, "garden"),
    "rename_folder": lambda user, rows: folders.rename_folder(user, rows.folder, "Cellar"),
    "save_rating": lambda user, rows: rating.save_rating(user, rows.answer, True),
    "save_details": lambda user, rows: rating.save_details(user, rows.feedback, SAID),
    "save_preference": lambda user, rows: comparison.save_preference(user, rows.answer.pk, rows.answer.pk, ""),
    "set_picture": lambda user, rows: services.set_picture(user, rows.assistant, b"x"),
    "share_assistant": lambda user, rows: services.share_assistant(
        user, rows.assistant, "reader", email="b@example.org"
    ),
    "unshare_assistant": lambda user, rows: services.unshare_assistant(user, rows.assistant, 1),
    "set_public": lambda user, rows: services.set_public(user, rows.assistant, public=False),
    "update_assistant": lambda user, rows: services.update_assistant(
        user, rows.assistant, {"name": "X"}, Collection.objects.none(), 1
    ),
    "delete_assistant": lambda user, rows: services.delete_assistant(user, rows.assistant),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_stranger_is_refused_and_the_owner_is_not(verb: str) -> None:
    rows, stranger = Rows(), make_user("bob")
    with pytest.raises(PermissionDenied):
        VERBS[verb](stranger, rows)
    rows.assistant.refresh_from_db()
    assert (rows.assistant.name, rows.assistant.everyone, bytes(rows.assistant.picture)) == ("Gardener", True, b"")
    assert not Share.objects.exists() and Feedback.objects.count() == 1 and Conversation.objects.count() == 1
    VERBS[verb](rows.owner, rows)
