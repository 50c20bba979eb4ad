"""Forms of collections and documents. Only the fields named here can change anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.utils.translation import gettext, gettext_lazy

from apps.documents.models import Collection, Document, Role
from apps.documents.models.collection import has_collection_named
from apps.users.models import User

if TYPE_CHECKING:
    ForCollection = forms.ModelForm[Collection]
    ForDocument = forms.ModelForm[Document]
else:
    ForCollection = ForDocument = forms.ModelForm


NAME_TAKEN = gettext_lazy("A collection with this name already exists. Choose another name.")


class CollectionForm(ForCollection):
    """Form for name and description of a collection."""

    class Meta:
        model = Collection
        fields = ("name", "description", "inside_only")
        labels = {
            "name": gettext_lazy("Name"),
            "description": gettext_lazy("Description"),
            "inside_only": gettext_lazy("Never to a server outside"),
        }
        help_texts = {
            "description": gettext_lazy("One sentence, shown in the list. Optional."),
            "inside_only": gettext_lazy(
                "Models that run outside the house never read these documents: not by search, tools or as a whole."
            ),
        }

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if has_collection_named(self.instance.owner, name, self.instance.pk):
            raise forms.ValidationError(NAME_TAKEN)
        return name


class TitleForm(ForDocument):
    """Form for the title of a document."""

    class Meta:
        model = Document
        fields = ("title",)
        labels = {"title": gettext_lazy("Title")}
        help_texts = {"title": gettext_lazy("If empty, the file name is shown.")}


class MoveForm(forms.Form):
    """Form for the collection to which a document is moved: one that the user may edit, or a new one.

    Chosen at first is a collection that only the user can read, else a new one, so that nothing is shared unasked.
    """

    NEW = "new"
    _MOST = 500  # collections offered

    collection = forms.ChoiceField(label=gettext_lazy("Collection"))
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120, required=False)

    def __init__(self, user: User, collection: UUID, name: str, data: Any = None, form_id: str = "") -> None:
        """Offer the collections other than `collection`; `name` is proposed for a new one.

        `form_id` is the id of the form to which the fields belong, if they stand outside of it.
        """
        self.user, self.proposed_name = user, name[:120]
        offered = Collection.objects.editable_by(user).exclude(pk=collection)
        shared = set(offered.shared().values_list("pk", flat=True))
        rows = list(offered.select_related("owner")[: self._MOST])
        others = [row for row in rows if row.owner_id != user.pk or row.pk in shared]
        private = [(str(row.pk), row.name) for row in rows if row.owner_id == user.pk and row.pk not in shared]
        initial = {"collection": private[0][0] if private else self.NEW, "name": self.proposed_name}
        super().__init__(data, initial=initial, auto_id="move-%s")
        if form_id:
            for field in self.fields.values():
                field.widget.attrs["form"] = form_id
        field = self.fields["collection"]
        if isinstance(field, forms.ChoiceField):
            new = (self.NEW, gettext("New collection"))
            field.choices = [*private, new, *((str(row.pk), self._format_shared(row)) for row in others)]

    def clean(self) -> None:
        name = self.cleaned_data.get("name") or self.proposed_name
        if self.cleaned_data.get("collection") == self.NEW and has_collection_named(self.user, name):
            self.add_error("name", NAME_TAKEN)
        self.cleaned_data["name"] = name

    def get_target(self) -> Collection:
        """Return the chosen collection; a new one is created now. The form must be valid."""
        if self.cleaned_data["collection"] == self.NEW:
            return Collection.objects.create(owner=self.user, name=self.cleaned_data["name"])
        return Collection.objects.editable_by(self.user).get(pk=self.cleaned_data["collection"])

    def _format_shared(self, row: Collection) -> str:
        values = {"name": row.name, "owner": row.owner}
        if row.owner_id == self.user.pk:
            own = gettext("%(name)s (shared with everyone)") if row.everyone else gettext("%(name)s (shared)")
            return own % values
        if row.everyone:
            return gettext("%(name)s (by %(owner)s, shared with everyone)") % values
        return gettext("%(name)s (by %(owner)s, shared)") % values


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
