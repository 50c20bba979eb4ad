"""Every label of a form is marked for translation: Django makes one of the field's name, in English."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module

import pytest
from django import forms
from django.utils.functional import Promise

import apps

# Their templates write the words themselves, or show none.
SILENT = {
    "EveryoneForm", "FilterForm", "KeywordsForm", "SearchPreviewForm", "SwitchForm",
}  # fmt: skip


def below(kind: type[forms.BaseForm]) -> Iterator[type[forms.BaseForm]]:
    for one in kind.__subclasses__():
        yield one
        yield from below(one)


def ours() -> list[type[forms.BaseForm]]:
    for module in pkgutil.walk_packages(apps.__path__, "apps."):
        if module.name.rpartition(".")[2].endswith(("forms", "views")) or ".views." in module.name:
            import_module(module.name)
    found = {one for one in below(forms.BaseForm) if one.__module__.startswith("apps.")}
    return sorted((one for one in found if one.__name__ not in SILENT), key=str)


@pytest.mark.parametrize("form", ours(), ids=lambda form: form.__name__)
def test_form_fields_have_a_label_that_is_translated(form: type[forms.BaseForm]) -> None:
    fields = getattr(form, "base_fields", {})
    own = {name: field for name, field in fields.items() if not field.widget.is_hidden}
    assert [name for name, field in own.items() if not isinstance(field.label, Promise)] == []
