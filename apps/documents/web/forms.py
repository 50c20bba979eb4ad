"""What a person fills in about collections and documents. Only the fields named here can change anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from apps.documents.models import Collection, Document, Role
from apps.documents.models.collection import has_collection_named

if TYPE_CHECKING:
    ForCollection = forms.ModelForm[Collection]
    ForDocument = forms.ModelForm[Document]
else:
    ForCollection = ForDocument = forms.ModelForm


class CollectionForm(ForCollection):
    class Meta:
        model = Collection
        fields = ("name", "description")
        labels = {"description": gettext_lazy("What it holds")}
        help_texts = {"description": gettext_lazy("One sentence, shown in the list. It may stay empty.")}

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if has_collection_named(self.instance.owner, name, self.instance.pk):
            raise forms.ValidationError(
                gettext_lazy("There is a collection of this name already. Choose another name.")
            )
        return name


class TitleForm(ForDocument):
    class Meta:
        model = Document
        fields = ("title",)
        help_texts = {"title": gettext_lazy("Empty: the name of the file is shown.")}


class EveryoneForm(ForCollection):
    class Meta:
        model = Collection
        fields = ("everyone",)


class CollectionRoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)


class AddressForm(forms.Form):
    email = forms.EmailField(label=gettext_lazy("E-mail address"), max_length=254)

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class CollectionShareForm(CollectionRoleForm, AddressForm):
    field_order = ("email", "role")


class GroupChoiceForm(forms.Form):
    """A group that is among those offered."""

    group = forms.ModelChoiceField(
        Group.objects.none(), label=gettext_lazy("Group"), empty_label=gettext_lazy("Choose a group")
    )

    def __init__(self, data: Any = None, *, offered: QuerySet[Group]) -> None:
        super().__init__(data)
        field = self.fields["group"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = offered


class GroupShareForm(CollectionRoleForm, GroupChoiceForm):
    field_order = ("group", "role")
