"""Page on which users mark a part of a picture and request it redrawn."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from apps.engines.image.inpainting import MAX_MASK_BYTES, TOO_LARGE
from apps.engines.image.protocol import PictureModel
from apps.engines.image.validation import PROMPT_CHARACTERS
from apps.engines.types import EngineError
from apps.images.generation import model_info
from apps.images.models import Picture
from apps.images.requests import submission
from apps.images.requests.submission import MAX_PICTURES, SEED_LIMIT, PictureRequest
from apps.images.views.gallery import redirect_to_tiles
from apps.safety.models.strictness import parse_strictness
from apps.users.i18n import translate_stored
from apps.users.permissions import get_signed_in_user


class InpaintingForm(forms.Form):
    """Form of an inpainting request. The size and strictness are those of the picture."""

    prompt = forms.CharField(
        label=gettext_lazy("Describe the whole picture, including the change"), max_length=PROMPT_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip
    mask = forms.FileField(
        label=gettext_lazy("Part to change"),
        error_messages={"required": gettext_lazy("Mark the part to change first.")},
        widget=forms.FileInput(attrs={"accept": "image/png"}),
    )
    count = forms.TypedChoiceField(
        label=gettext_lazy("Number of pictures"), coerce=int, choices=[(n, str(n)) for n in range(1, MAX_PICTURES + 1)]
    )
    strength = forms.FloatField(
        label=gettext_lazy("Strength of change"), required=False, min_value=0.05, max_value=1,
        help_text=gettext_lazy("1 replaces the part completely, 0.5 keeps its outlines."),
    )  # fmt: skip
    seed = forms.IntegerField(
        label=gettext_lazy("Seed"), required=False, min_value=0, max_value=SEED_LIMIT - 1,
        help_text=gettext_lazy("Leave it empty for a random seed."),
    )  # fmt: skip

    def __init__(self, model: PictureModel, row: Picture, data: Any = None, files: Any = None) -> None:
        super().__init__(data, files, initial={"prompt": row.prompt, "count": 1, "strength": 1.0})
        self._row, self._model = row, model
        if not model.accepts_start:  # such a model starts from noise in any case
            del self.fields["strength"]

    def clean_mask(self) -> Any:
        """Refuse a mask above MAX_MASK_BYTES before it is read into memory."""
        if (file := self.cleaned_data["mask"]).size > MAX_MASK_BYTES:
            raise forms.ValidationError(translate_stored(TOO_LARGE))
        return file

    @property
    def picture_request(self) -> PictureRequest:
        data, row = self.cleaned_data, self._row
        return PictureRequest(
            data["prompt"], row.negative if self._model.accepts_negative else "", data["count"], row.width, row.height,
            seed=data.get("seed"), strength=data.get("strength") or 1.0, parent=row, from_parent=True,
            mask=data["mask"].read(), level=parse_strictness(row.level),
        )  # fmt: skip


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def inpaint_picture(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the picture with a mask to paint; a POST requests that part redrawn."""
    row = get_object_or_404(Picture, pk=pk, owner=get_signed_in_user(request), status=Picture.Status.READY)
    model = model_info.find_available_model()
    if model is None or not model.accepts_mask:
        return render(
            request, "images/inpainting.html", {"picture": row}, status=409 if request.method == "POST" else 200
        )
    sent = (request.POST, request.FILES) if request.method == "POST" else ()
    form = InpaintingForm(model, row, *sent)
    if sent and form.is_valid():
        try:
            submission.request_pictures(get_signed_in_user(request), form.picture_request)
        except (submission.PictureRequestRefused, EngineError) as error:
            form.add_error(None, translate_stored(error))
        else:
            return redirect_to_tiles()
    return render(request, "images/inpainting.html", {"picture": row, "form": form}, status=400 if form.errors else 200)
