"""Pages of assistants. Rows are fetched through access queries: unknown and foreign ones are both 404."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.conversations.assistants import services
from apps.conversations.assistants.forms import AssistantForm, AssistantShareForm
from apps.conversations.core.sampling import BEAMS_CONTROL
from apps.conversations.models.assistant import Assistant, AssistantVersion
from apps.engines import registry
from apps.engines.types import EngineError
from apps.lib.text.number_parsing import parse_number
from apps.safety.models.feature_restrictions import Feature, is_blocked
from apps.users.permissions import get_signed_in_user

_MEANWHILE = gettext_lazy(
    "Another user saved a newer version while you were editing. Open this page in another tab and copy your changes "
    "over."
)


@login_required
@require_safe
def list_assistants(request: HttpRequest) -> HttpResponse:
    """Show all assistants that the user may use; `can_edit` holds the ids of those that they may change."""
    user = get_signed_in_user(request)
    Assistant.default()
    context = {
        "assistants": Assistant.objects.visible_to(user).select_related("owner").defer("picture", "instructions"),
        "can_edit": set(Assistant.objects.editable_by(user).values_list("pk", flat=True)),
        "pictured": set(Assistant.objects.visible_to(user).exclude(picture=b"").values_list("pk", flat=True)),
    }
    return render(request, "conversations/assistants/list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def add_assistant(request: HttpRequest) -> HttpResponse:
    """Show the form; a POST creates the assistant."""
    user = get_signed_in_user(request)
    posted = request.method == "POST"
    form = AssistantForm(user, *((request.POST, request.FILES) if posted else ()))
    if posted and form.is_valid():
        row = services.create_assistant(user, form.content, form.cleaned_data["collections"])
        services.set_picture(user, row, form.cleaned_data["picture"])
        messages.success(request, gettext("%(name)s was created.") % {"name": row.name})
        return redirect("conversations:assistants")
    context = {"form": form, "assistant": None}
    return render(request, "conversations/assistants/edit.html", context, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_assistant(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the form of an assistant; a POST saves a new version."""
    user = get_signed_in_user(request)
    row = _editable(request, pk)
    posted = request.method == "POST"
    form = AssistantForm(user, *((request.POST, request.FILES) if posted else ()), assistant=row)
    if posted and form.is_valid():
        data = form.cleaned_data
        try:
            saved = services.update_assistant(user, row, form.content, data["collections"], data["version"] or 0)
        except services.VersionConflict:
            form.add_error(None, _MEANWHILE)
        else:
            if data["picture"] or data["no_picture"]:
                services.set_picture(user, row, data["picture"])
            messages.success(request, gettext("Saved as version %(version)s.") % {"version": saved.version})
            return redirect("conversations:assistant", pk)
    context = {"form": form, "assistant": row, "is_owner": row.owner_id == user.pk, "tab": "edit"}
    return render(request, "conversations/assistants/edit.html", context, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def list_versions(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the versions of an assistant; a POST with `number` restores one."""
    user = get_signed_in_user(request)
    row = _editable(request, pk)
    if request.method == "POST":
        number = request.POST.get("number", "")
        try:
            saved = services.restore_version(user, row, parse_number(number))
        except AssistantVersion.DoesNotExist:
            raise Http404 from None
        messages.success(
            request,
            gettext("Version %(number)s was restored as version %(version)s.")
            % {"number": number, "version": saved.version},
        )
        return redirect("conversations:assistant_versions", pk)
    context = {
        "assistant": row,
        "versions": row.versions.select_related("author")[:50],
        "is_owner": row.owner_id == user.pk,
        "tab": "versions",
    }
    return render(request, "conversations/assistants/versions.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_shares(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the shares; a POST adds an email address or group, or changes its role."""
    user = get_signed_in_user(request)
    row = _owned(request, pk)
    if request.method == "POST" and is_blocked(request, Feature.SHARING):
        return redirect("conversations:assistant_people", pk)
    form = AssistantShareForm(user, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        if not services.share_assistant(user, row, data["role"], email=data["email"], group=data["group"]):
            messages.info(request, gettext("You own this assistant."))
        elif data["group"]:
            messages.success(
                request, gettext("Shared with the group %(cleaned_data)s.") % {"cleaned_data": data["group"]}
            )
        else:
            messages.success(request, gettext("Shared with %(cleaned_data)s.") % {"cleaned_data": data["email"]})
        return redirect("conversations:assistant_people", pk)
    shares = row.shares.select_related("group")
    context = {"assistant": row, "shares": shares, "form": form, "is_owner": True, "tab": "people"}
    return render(request, "conversations/assistants/people.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
def remove_share(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Remove a share; conversations with the assistant stay."""
    number = request.POST.get("share", "")
    services.unshare_assistant(get_signed_in_user(request), _owned(request, pk), parse_number(number))
    return redirect("conversations:assistant_people", pk)


@login_required
@require_POST
def set_public(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Offer the assistant to all signed-in users, or stop that."""
    row, wanted = _owned(request, pk), request.POST.get("everyone") == "on"
    if not (wanted and is_blocked(request, Feature.SHARING)):
        services.set_public(get_signed_in_user(request), row, public=wanted)
        ended = gettext("No longer shared with all users of this site.")
        messages.success(request, gettext("Shared with all users of this site.") if wanted else ended)
    return redirect("conversations:assistant_people", pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete_assistant(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete the assistant after confirmation; its conversations go on with the site's own assistant."""
    row = _owned(request, pk)
    if request.method != "POST":
        return render(request, "conversations/assistants/delete.html", {"assistant": row})
    services.delete_assistant(get_signed_in_user(request), row)
    messages.success(request, gettext("“%(name)s” was deleted.") % {"name": row.name})
    return redirect("conversations:assistants")


@login_required
@require_safe
def show_picture(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Return the picture; 404 if the assistant has none."""
    row = get_object_or_404(Assistant.objects.visible_to(request.user).only("picture"), pk=pk)
    if not row.picture:
        raise Http404
    response = HttpResponse(bytes(row.picture), content_type="image/png")
    response["Cache-Control"] = "private, max-age=60"
    return response


def _editable(request: HttpRequest, pk: UUID) -> Assistant:
    return get_object_or_404(Assistant.objects.editable_by(request.user), pk=pk)


def _owned(request: HttpRequest, pk: UUID) -> Assistant:
    return get_object_or_404(Assistant.objects.owned_by(request.user), pk=pk)


@login_required
@require_safe
@never_cache
async def show_beam_search_field(request: HttpRequest) -> HttpResponse:
    """Return the empty field; 204 if no offered model has a server with beam search."""
    for model in registry.list_chat_models():
        try:
            if await registry.get_chat_engine(model.name).supports_beams():
                return render(request, "conversations/composer/_beams_field.html", {"control": BEAMS_CONTROL})
        except EngineError:
            continue  # the server is unreachable; the next request asks again
    return HttpResponse(status=204)
