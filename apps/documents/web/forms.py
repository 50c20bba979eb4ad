"""Forms of collections and documents. Only the fields named here can change anything."""

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
    """Form for name and description of a collection."""

    class Meta:
        model = Collection
        fields = ("name", "description")
        labels = {"name": gettext_lazy("Name"), "description": gettext_lazy("Description")}
        help_texts = {"description": gettext_lazy("One sentence, shown in the list. Optional.")}

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if has_collection_named(self.instance.owner, name, self.instance.pk):
            raise forms.ValidationError(
                gettext_lazy("A collection with this name already exists. Choose another name.")
            )
        return name


class TitleForm(ForDocument):
    """Form for the title of a document."""

    class Meta:
        model = Document
        fields = ("title",)
        labels = {"title": gettext_lazy("Title")}
        help_texts = {"title": gettext_lazy("If empty, the file name is shown.")}


class CollectionRoleForm(forms.Form):
    """Form for the role of a share."""

    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices)


class AddressForm(forms.Form):
    """Form for an e-mail address, which becomes lower case."""

    email = forms.EmailField(label=gettext_lazy("E-mail address"), max_length=254)

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class CollectionShareForm(CollectionRoleForm, AddressForm):
    """Form for sharing with an address."""

    field_order = ("email", "role")


class GroupChoiceForm(forms.Form):
    """Form for choosing one of the groups offered."""

    group = forms.ModelChoiceField(
        Group.objects.none(), label=gettext_lazy("Group"), empty_label=gettext_lazy("Choose a group")
    )

    def __init__(self, data: Any = None, *, offered: QuerySet[Group]) -> None:
        super().__init__(data)
        field = self.fields["group"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = offered


class GroupShareForm(CollectionRoleForm, GroupChoiceForm):
    """Form for sharing with a group."""

    field_order = ("group", "role")
