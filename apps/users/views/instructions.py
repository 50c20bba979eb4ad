"""Page on which users write instructions for every assistant."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods

from apps.users import user_memory
from apps.users.models import User
from apps.users.permissions import get_signed_in_user


class InstructionsForm(forms.Form):
    instructions = forms.CharField(
        label=gettext_lazy("Your instructions"), max_length=2000, required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=gettext_lazy("For example: “Answer in short sentences. I am a nurse.” Sent to the model with each of "
                               "your questions, and to no one else."),
    )  # fmt: skip


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_instructions(request: HttpRequest) -> HttpResponse:
    """Show the instructions and facts of the user; a POST stores the instructions."""
    user = get_signed_in_user(request)
    form = InstructionsForm(request.POST if request.method == "POST" else {"instructions": user.instructions})
    if request.method == "POST" and form.is_valid():
        User.objects.filter(pk=user.pk).update(instructions=form.cleaned_data["instructions"])
        messages.success(request, gettext("Saved. Used from your next question on."))
        return redirect("users:instructions")
    context = {"form": form, "facts": user_memory.build_fact_formset(user)}
    return render(request, "users/instructions.html", context, status=400 if form.errors else 200)
