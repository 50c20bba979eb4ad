"""Presets: named settings of the picture form that a user saves, applies, renames and deletes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms.utils import pretty_name
from django.utils.translation import gettext

from apps.engines.image.protocol import PictureModel
from apps.images.models import Preset
from apps.images.requests.forms import PictureForm
from apps.images.requests.submission import PictureRequestRefused
from apps.lib.db.permissions import require_row
from apps.users.models import User

MAX_PRESETS = 50  # per user
NAME_CHARACTERS = 60  # characters of a name
_PROMPT_FIELD = "prompt"  # the field that is no setting and not saved


@dataclass(frozen=True, slots=True)
class OfferedPreset:
    """Preset with the settings that the present model supports."""

    row: Preset
    values: dict[str, Any]  # by the names of the form's fields
    summary: str  # the settings as text
    unsupported: str  # labels of settings that the model does not support and that are left out

    @property
    def data(self) -> str:
        return json.dumps(self.values)


def save_preset(user: User, name: str, form: PictureForm) -> Preset:
    """Save the settings of the form under the name, over those of an existing preset.

    Raises PictureRequestRefused for an invalid form or name, or too many presets.
    """
    form.fields[_PROMPT_FIELD].required = False
    if not form.is_valid():
        errors = "; ".join(
            f"{form[field].label}: {messages[0]}" for field, messages in form.errors.items() if field in form.fields
        )
        raise PictureRequestRefused(gettext("These settings cannot be saved. %(wrong)s") % {"wrong": errors})
    settings = {
        field: value for field, value in form.cleaned_data.items() if field != _PROMPT_FIELD and value not in ("", None)
    }
    with transaction.atomic():
        presets = Preset.objects.filter(owner=user)
        name = _name(name)
        if not presets.filter(name=name).exists() and presets.count() >= MAX_PRESETS:
            raise PictureRequestRefused(
                gettext("You can have at most %(most)s presets. Delete one first.") % {"most": MAX_PRESETS}
            )
        return presets.update_or_create(owner=user, name=name, defaults={"settings": settings})[0]


def rename_preset(user: User, row: Preset, name: str) -> None:
    """Rename the preset. Raises PictureRequestRefused for an invalid or taken name, and PermissionDenied."""
    require_row(Preset.objects.filter(owner=user), row.pk)
    name = _name(name)
    if Preset.objects.filter(owner=row.owner, name=name).exclude(pk=row.pk).exists():
        raise PictureRequestRefused(gettext("You already have a preset with this name."))
    Preset.objects.filter(pk=row.pk).update(name=name)


def delete_preset(user: User, row: Preset) -> None:
    """Delete the preset. Raises PermissionDenied for that of another user."""
    require_row(Preset.objects.filter(owner=user), row.pk)
    row.delete()


def _name(name: str) -> str:
    """Return the cleaned name. Raises PictureRequestRefused if it is empty or too long."""
    name = " ".join(name.replace("\0", "").split())
    if not name:
        raise PictureRequestRefused(gettext("Enter a name first."))
    if len(name) > NAME_CHARACTERS:
        raise PictureRequestRefused(gettext("Enter a name of at most %(most)s characters.") % {"most": NAME_CHARACTERS})
    return name


def list_presets(user: User, model: PictureModel, form: PictureForm) -> list[OfferedPreset]:
    """Return the presets of the user with the settings that the form of the present model accepts."""
    return [_offer(row, model, form) for row in Preset.objects.filter(owner=user)]


def _offer(row: Preset, model: PictureModel, form: PictureForm) -> OfferedPreset:
    values: dict[str, Any] = {}
    summary: list[str] = []
    unsupported: list[str] = []
    for name, value in row.settings.items():
        field = form.fields.get(name)
        if field is None or (name == "steps" and value > model.max_steps) or not _is_accepted(field, value):
            unsupported.append(
                str(form.base_fields[name].label or pretty_name(name)) if name in form.base_fields else name
            )
            continue
        values[name] = value
        choices: Mapping[Any, Any] = dict(getattr(field, "choices", ()))
        summary.append(f"{form[name].label}: {choices.get(value, value)}")
    return OfferedPreset(row, values, ", ".join(summary), ", ".join(unsupported))


def _is_accepted(field: Any, value: object) -> bool:
    try:
        field.clean(value)
    except ValidationError:
        return False
    return True
