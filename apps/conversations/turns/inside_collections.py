"""Keep collections that must not leave the house from models whose server is outside.

`keep_inside` narrows what a turn may read: search, tools and whole-document reading look only in the collections of the
input. `describe_kept` says so on the page.
"""

from __future__ import annotations

from dataclasses import replace

from django.utils.translation import gettext

from apps.conversations.attachments import chat_files
from apps.conversations.core import model_choice
from apps.conversations.core.turn_input import TurnInput
from apps.conversations.errors import RequestRefused
from apps.conversations.models import Source
from apps.documents.models import Collection, Document
from apps.engines import registry

_LISTED = 3  # names in a sentence


def keep_inside(prepared: TurnInput) -> TurnInput:
    """Return the input without the collections that the model of the turn may not read. For `in_db`.

    The scope must be resolved afterwards. Raise RequestRefused if no collection is left, or if the chat already holds
    text of such a collection, which the prompt would repeat.
    """
    model = registry.get_chat_model(prepared.model)
    if model is None or not model.outside:
        return prepared
    name = model_choice.get_display_name(model)
    if held := _find_held(prepared):
        raise RequestRefused(
            gettext(
                "This chat holds text from %(collections)s, which must not leave the house, and “%(model)s” runs "
                "outside. Choose another model, or start a new chat."
            )
            % {"collections": held, "model": name}
        )
    if prepared.without_documents:
        return prepared
    readable = Collection.objects.visible_to(prepared.user).filter(inside_only=True)
    kept = readable.filter(pk__in=prepared.collections) if prepared.collections else readable
    names = dict(kept.values_list("pk", "name"))
    if not names:
        return prepared
    searched = prepared.collections or chat_files.list_readable_collections(prepared.user)
    others = tuple(pk for pk in searched if pk not in names)
    if not others:
        raise RequestRefused(
            gettext(
                "%(collections)s must not leave the house, and “%(model)s” runs outside. Choose another model or other "
                "collections."
            )
            % {"collections": _join(list(names.values())), "model": name}
        )
    return replace(prepared, collections=others, kept_inside=_join(sorted(names.values())))


def describe_kept(prepared: TurnInput) -> str:
    """Return the words of the step for collections that the model did not read; "" if there are none."""
    if not prepared.kept_inside:
        return ""
    return gettext("Not read, because the model runs outside the house: %(collections)s") % {
        "collections": prepared.kept_inside
    }


def _find_held(prepared: TurnInput) -> str:
    """Return the names of such collections whose text the chat holds; "" if there are none."""
    cited = {one.document_id for past in prepared.history for one in past.sources if one.document_id is not None}
    rows = Document.all_objects.filter(collection__inside_only=True)
    documents = rows.filter(pk__in=cited) if cited else rows.none()
    if not prepared.is_new:
        own = Source.objects.filter(conversation=prepared.conversation_id).values("document")
        documents = documents | rows.filter(pk__in=own)
    return _join(sorted(set(documents.values_list("collection__name", flat=True))))


def _join(names: list[str]) -> str:
    quoted = [f"“{name}”" for name in names[:_LISTED]]
    return ", ".join([*quoted, "…"] if len(names) > _LISTED else quoted)
