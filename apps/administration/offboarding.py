"""Hand over what a leaving user shared with others, then deactivate or erase the account.

Entry points: `list_holdings` for the preview, `offboard_user`. The erasure itself, with its receipt, is
`apps.privacy.erasure`. Users who erase their own account do so under Privacy.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Collection as Items
from dataclasses import dataclass

from django.db import transaction
from django.db.models import TextChoices
from django.utils.translation import gettext, gettext_lazy, ngettext

from apps.conversations.assistants.services import transfer_assistants
from apps.conversations.models import Assistant, AttachedPicture, Conversation, SavedPrompt, Share
from apps.conversations.sharing.links import load_links_of, transfer_links
from apps.documents.library.sharing import transfer_collections
from apps.documents.models import Collection, Document
from apps.evaluation.models import GoldenQuestion
from apps.images.models import Picture
from apps.privacy import data_requests
from apps.privacy.models import DataRequest, LegalHold
from apps.safety.audit_log import audit
from apps.safety.errors import ActionRefused
from apps.safety.policy import separation_of_duties
from apps.users.accounts import LastAdministrator, close_account
from apps.users.models import User


class Handover(TextChoices):
    """Kind of things that another user can get."""

    COLLECTIONS = "collections", gettext_lazy("Collections, with their documents and test questions")
    ASSISTANTS = "assistants", gettext_lazy("Assistants")
    LINKS = "links", gettext_lazy("Shared links, with the part of the chat that each shows")


@dataclass(frozen=True, slots=True)
class Holding:
    """Number of things of one sort that an account owns, in words such as "3 collections"."""

    kind: str  # a Handover; "" for what cannot be handed over
    number: int
    text: str


def list_holdings(user: User) -> list[Holding]:
    """Return what the user owns, for the preview; sorts without any are left out. Files of chats count with these."""
    collections = Collection.objects.filter(owner=user)
    pictures = Picture.objects.filter(owner=user).count() + AttachedPicture.objects.filter(owner=user).count()
    counted: list[tuple[str, int, Callable[[int], str]]] = [
        (Handover.COLLECTIONS, collections.count(), lambda n: ngettext("%(n)s collection", "%(n)s collections", n)),
        (
            Handover.COLLECTIONS, Document.objects.filter(collection__in=collections).count(),
            lambda n: ngettext("%(n)s document", "%(n)s documents", n),
        ),
        (
            Handover.COLLECTIONS, GoldenQuestion.objects.filter(collection__in=collections).count(),
            lambda n: ngettext("%(n)s test question", "%(n)s test questions", n),
        ),
        (
            Handover.ASSISTANTS, Assistant.objects.filter(owner=user).count(),
            lambda n: ngettext("%(n)s assistant", "%(n)s assistants", n),
        ),
        (
            Handover.LINKS, Share.objects.valid().filter(conversation__owner=user).count(),
            lambda n: ngettext("%(n)s shared link", "%(n)s shared links", n),
        ),
        ("", Conversation.objects.owned_by(user).count(), lambda n: ngettext("%(n)s chat", "%(n)s chats", n)),
        ("", pictures, lambda n: ngettext("%(n)s picture", "%(n)s pictures", n)),
        (
            "", SavedPrompt.objects.filter(owner=user).count(),
            lambda n: ngettext("%(n)s saved prompt", "%(n)s saved prompts", n),
        ),
    ]  # fmt: skip
    return [Holding(kind, number, describe(number) % {"n": number}) for kind, number, describe in counted if number]


def find_obstacle(by: User, user: User, to: User | None, *, erase: bool) -> str:
    """Return why the account cannot be closed in this way, as a sentence; "" if it can.

    Under a legal hold nothing is erased and nothing changes hands: the new owner could delete it.
    """
    if by.pk == user.pk:
        return gettext("You cannot close your own account here. Ask another administrator.")
    if to is not None and (to.pk == user.pk or not to.is_active):
        return gettext("Choose another active user who gets these things.")
    if (erase or to is not None) and LegalHold.objects.filter(user=user).exists():
        return gettext(
            "This user is under a legal hold. Until it is lifted, the account can be deactivated, but nothing can be "
            "handed over or deleted."
        )
    waiting = DataRequest.objects.filter(user=user, kind=DataRequest.Kind.ERASE, status=DataRequest.Status.WAITING)
    return gettext("This account is already being deleted.") if waiting.exists() else ""


def offboard_user(by: User, user: User, to: User | None, kinds: Items[str], *, erase: bool) -> DataRequest | None:
    """End everything that is signed in, hand the `kinds` over to `to`, and close the account, in one transaction.

    `to` is None to hand over nothing. Return the request of the erasure; None if the account is only deactivated. API
    tokens are deleted in either case, so none works again after a reactivation. Raise ActionRefused with the reason:
    `find_obstacle`, or the last administrator.
    """
    separation_of_duties.require_administrator(by)
    if obstacle := find_obstacle(by, user, to, erase=erase):
        raise ActionRefused(obstacle)
    links = load_links_of(user) if to is not None and Handover.LINKS in kinds else []
    try:
        with transaction.atomic():
            close_account(user, by)  # first: the user can make nothing new meanwhile
            if to is not None:
                counts: dict[str, int] = {}
                if Handover.COLLECTIONS in kinds:
                    counts["collections"] = transfer_collections(user, to)
                    GoldenQuestion.objects.filter(added_by=user, collection__owner=to).update(added_by=to)
                if Handover.ASSISTANTS in kinds:
                    counts["assistants"] = transfer_assistants(user, to)
                transfer_links(links, to)
                counts["links"] = len(links)
                audit.record_event(
                    "person.handed_over", actor=by, user=user.pk, subject=f"person {user.pk}", to=to.pk, **counts
                )
            return data_requests.request_erasure(user, by) if erase else None
    except LastAdministrator as error:
        raise ActionRefused(
            gettext("This is the last administrator who can sign in. Make another user an administrator first.")
        ) from error
    except data_requests.DataRequestRefused as error:
        raise ActionRefused(str(error)) from error
