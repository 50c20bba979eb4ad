"""Page on which users write instructions and facts for every assistant."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods

from apps.users import consents, user_memory
from apps.users.consents import Consent
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
    """Show the instructions and facts of the user. A POST stores both with one button; with `clear` it deletes all
    facts and changes nothing else."""
    user = get_signed_in_user(request)
    sent = request.POST if request.method == "POST" else None
    if sent is not None and "clear" in sent:
        user_memory.delete_facts(user)
        messages.success(request, gettext("All facts deleted."))
        return redirect("users:instructions")
    form = InstructionsForm({"instructions": user.instructions} if sent is None else sent)
    facts = user_memory.build_fact_formset(user, sent)
    if sent is not None and form.is_valid() and facts.is_valid():
        User.objects.filter(pk=user.pk).update(instructions=form.cleaned_data["instructions"])
        user_memory.save_facts(user, facts.forms, used="remembers" in sent)
        consents.change_consent(user, Consent.RATED, "lends" in sent)
        messages.success(request, gettext("Saved. Used from your next question on."))
        return redirect("users:instructions")
    status = 200 if sent is None else 400
    return render(request, "users/instructions.html", {"form": form, "facts": facts}, status=status)
