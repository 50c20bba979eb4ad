"""Views of shared links: the owner's form in the panel, and the pages of the reader. The logic is in `links.py`."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.conversations.attachments.views import build_file_response
from apps.conversations.core.requests import parse_id_or_none
from apps.conversations.models import Conversation, Share
from apps.conversations.sharing import links
from apps.conversations.sharing.links import ShareLinkForm
from apps.images.moderation import blur
from apps.safety.errors import ActionRefused
from apps.safety.moderation.reviewable import read_stored_bytes
from apps.users.permissions import get_signed_in_user


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_link(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the form of the link; a POST enables or changes it, or with `off` disables it.

    Enabling is refused for users whose sharing is restricted.
    """
    user = get_signed_in_user(request)
    conversation = get_object_or_404(Conversation.objects.visible_to(user), pk=pk)
    row, saved = Share.objects.filter(conversation=conversation).first(), False
    form = ShareLinkForm(initial={"sources": row.sources if row else Share.Sources.PASSAGES, "days": "30"})
    if request.method == "POST" and "off" in request.POST:
        links.disable_link(user, conversation)
    elif request.method == "POST":
        form = ShareLinkForm(request.POST)
        if form.is_valid():
            through, data = parse_id_or_none(request.POST.get("at")), form.cleaned_data
            try:
                row = links.enable_link(user, conversation, through, data["sources"], data["days"])
            except ActionRefused as refused:
                form.add_error(None, str(refused))
            else:
                saved = row is not None
            if row is None and not form.errors:
                form.add_error(None, gettext("There is no finished answer to share yet."))
    row = Share.objects.open().filter(conversation=conversation).first()
    link = request.build_absolute_uri(reverse("conversations:shared", args=[row.secret])) if row else ""
    through = parse_id_or_none(request.GET.get("at")) or parse_id_or_none(request.POST.get("at"))
    context = {
        "conversation": conversation,
        "share": row,
        "form": form,
        "link": link,
        "kept": saved,
        "ended": request.method == "POST" and "off" in request.POST,
        "at": through or "",
    }
    return render(request, "conversations/sharing/_share_form.html", context)


@login_required
@require_GET
@never_cache
def show_shared(request: HttpRequest, secret: str) -> HttpResponse:
    """Show the shared conversation as its reader may see it."""
    user, row = get_signed_in_user(request), links.get_open_link(secret)
    path = links.load_visible_path(row)
    context = {
        "share": row, "conversation": row.conversation, "turns": links.build_shared_turns(user, row, path),
        "title": links.get_link_title(row, path) or gettext("Shared conversation"),
        "passages": row.sources == Share.Sources.PASSAGES, "own": row.conversation.owner_id == user.pk,
    }  # fmt: skip
    return render(request, "conversations/sharing/shared.html", context)


@login_required
@require_GET
@never_cache
def show_shared_trace(request: HttpRequest, secret: str, answer: UUID) -> HttpResponse:
    """Show the trace of a shared answer in the panel."""
    found = links.load_shared_trace(get_signed_in_user(request), links.get_open_link(secret), answer)
    return render(request, "conversations/turn/_trace.html", {"behind": found})


@login_required
@require_POST
def copy_shared(request: HttpRequest, secret: str) -> HttpResponse:
    """Copy the shared conversation for the reader and redirect to the copy."""
    new = links.copy_conversation(get_signed_in_user(request), links.get_open_link(secret))
    messages.success(request, gettext("This is your own copy. No one else sees what you ask here."))
    return redirect("conversations:conversation", pk=new.pk)


@login_required
@require_GET
@never_cache
def show_shared_picture(request: HttpRequest, secret: str, pk: UUID) -> HttpResponseBase:
    """Return a picture of the conversation while the link shows it, blurred if it is marked so."""
    row = links.get_shared_picture(links.get_open_link(secret), pk)
    if blur.is_blurred_for(row.blur, request):
        return blur.blurred_response(read_stored_bytes(row.file))
    try:
        return FileResponse(row.file.open("rb"), filename=f"{row.file_stem}.png")
    except FileNotFoundError as error:
        raise Http404 from error


@login_required
@require_GET
@never_cache
def show_shared_attachment(request: HttpRequest, secret: str, pk: UUID) -> HttpResponseBase:
    """Return a picture attached to a question while the link shows it."""
    return build_file_response(links.get_shared_attachment(links.get_open_link(secret), pk), request)
