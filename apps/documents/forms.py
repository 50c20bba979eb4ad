"""What a person fills in about collections and documents. Only the fields named here can change anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms

from apps.documents.models import Collection, Document, Membership

if TYPE_CHECKING:
    ForCollection = forms.ModelForm[Collection]
    ForDocument = forms.ModelForm[Document]
else:
    ForCollection = ForDocument = forms.ModelForm


class CollectionForm(ForCollection):
    class Meta:
        model = Collection
        fields = ("name", "description")
        labels = {"description": "What it holds"}
        help_texts = {"description": "One sentence, shown in the list. It may stay empty."}


class TitleForm(ForDocument):
    class Meta:
        model = Document
        fields = ("title",)
        help_texts = {"title": "Empty: the name of the file is shown."}


class EveryoneForm(ForCollection):
    class Meta:
        model = Collection
        fields = ("everyone",)


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Membership.Role.choices)


class AddressForm(forms.Form):
    email = forms.EmailField(label="E-mail address", max_length=254)

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class ShareForm(RoleForm, AddressForm):
    field_order = ("email", "role")
