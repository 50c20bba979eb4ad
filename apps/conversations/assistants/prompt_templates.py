"""Saved prompts of a user, with variables: `{{name}}` is asked for when the prompt is used. Form and pages."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.conversations.models.prompt_template import SavedPrompt
from apps.users.models import User
from apps.users.permissions import get_signed_in_user

MAX_PROMPTS = 200  # of one user


class SavedPromptForm(forms.Form):
    """Form of a saved prompt; only administrators can offer it to everybody."""

    name = forms.CharField(label=_("Name"), max_length=60, help_text=_("Type / and this name to find it."))
    text = forms.CharField(
        label=_("Text"), max_length=4000, widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_(
            "For parts that change, write a name in double braces, such as {{city}}. You are asked for them each "
            "time."),
    )  # fmt: skip
    everyone = forms.BooleanField(required=False, label=_("Share with everyone"))

    def __init__(self, user: User, row: SavedPrompt | None, sent: object = None) -> None:
        stored = {"name": row.name, "text": row.text, "everyone": row.everyone} if row else {}
        super().__init__(sent, initial=stored)  # type: ignore[arg-type]
        self.user, self.row = user, row
        if not user.is_administrator:
            del self.fields["everyone"]

    def clean_name(self) -> str:
        name: str = " ".join(self.cleaned_data["name"].split())
        own = SavedPrompt.objects.filter(owner=self.user)
        others = own.exclude(pk=self.row.pk) if self.row else own
        if others.filter(name=name).exists():
            raise forms.ValidationError(gettext("You already have a prompt with this name."))
        if self.row is None and own.count() >= MAX_PROMPTS:
            raise forms.ValidationError(
                gettext("You can save up to %(most)s prompts. Delete one first.") % {"most": MAX_PROMPTS}
            )
        return name

    def save(self) -> None:
        """Store the prompt as the user's own."""
        row = self.row or SavedPrompt(owner=self.user)
        row.name, row.text = self.cleaned_data["name"], self.cleaned_data["text"]
        row.everyone = self.cleaned_data.get("everyone", False)
        row.save()


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def list_prompts(request: HttpRequest) -> HttpResponse:
    """Show all prompts that the user may use, and the form for a new one."""
    user = get_signed_in_user(request)
    form = SavedPromptForm(user, None, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, gettext("Saved. Type / in the question field to use it."))
        return redirect("conversations:prompts")
    context = {"form": form, "prompts": SavedPrompt.objects.visible_to(user).select_related("owner")}
    return render(request, "conversations/assistants/prompts.html", context, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_prompt(request: HttpRequest, pk: int) -> HttpResponse:
    """Edit one of the user's own prompts."""
    user = get_signed_in_user(request)
    row = get_object_or_404(SavedPrompt.objects.filter(owner=user), pk=pk)
    form = SavedPromptForm(user, row, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        form.save()
        return redirect("conversations:prompts")
    context = {"form": form, "prompt": row, "prompts": []}
    return render(request, "conversations/assistants/prompts.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
def delete_prompt(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete one of the user's own prompts."""
    get_object_or_404(SavedPrompt.objects.filter(owner=get_signed_in_user(request)), pk=pk).delete()
    messages.success(request, gettext("Deleted."))
    return redirect("conversations:prompts")
