"""Models of pictures with their recipes, presets, and previews of the drawing. The row of a picture is its queue
entry."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

from apps.lib.db.leases import Leased
from apps.lib.db.stored_text_field import StoredTextField
from apps.lib.ids import new_id
from apps.safety.models import Case
from apps.safety.models.strictness import Strictness

TASK = "images.draw"  # name of the Celery task that draws


class PictureQuerySet(models.QuerySet["Picture"]):
    """Query set of pictures."""

    def without_large_fields(self) -> PictureQuerySet:
        """Defer large fields; `previewed` tells whether the picture has a preview."""
        return self.defer("preview", "vector").annotate(previewed=~models.Q(preview=b""))


class Picture(Leased):
    """Generated picture, from its request to its file. Holds every field of `DrawRequest`, so it can be repeated."""

    class Status(models.TextChoices):
        """State of a picture in the queue and afterwards."""

        QUEUED = "queued", gettext_lazy("Waiting")
        WORKING = "working", gettext_lazy("In progress")
        READY = "ready", gettext_lazy("Ready")
        FAILED = "failed", gettext_lazy("Failed")
        CANCELLED = "cancelled", gettext_lazy("Cancelled")
        HELD = "held", gettext_lazy("Withheld for review")

    ACTIVE: ClassVar = (Status.QUEUED, Status.WORKING)

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="pictures")
    batch = models.UUIDField(default=new_id, db_index=True)  # shared by the pictures of one request
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="variants")
    from_parent = models.BooleanField(default=False)  # True: the drawing starts from the parent's pixels
    start = models.FileField(upload_to="starts", blank=True)  # PNG of an uploaded source, or of a deleted picture
    start_sha256 = models.CharField(max_length=64, blank=True)
    mask = models.FileField(upload_to="masks", blank=True)  # PNG: white is redrawn, the rest stays
    mask_sha256 = models.CharField(max_length=64, blank=True)
    prompt = models.TextField()
    negative = models.TextField(blank=True)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    steps = models.PositiveSmallIntegerField()
    guidance = models.FloatField()
    strength = models.FloatField(default=0.6)
    scheduler = models.CharField(max_length=60, blank=True)
    seed = models.PositiveBigIntegerField()
    upscale = models.PositiveSmallIntegerField(default=0)  # factor of the parent's sides; 0: not upscaled
    repeat_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="repetitions")
    model = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=80, blank=True)  # of the model that drew it
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.QUEUED, db_index=True)
    reason = StoredTextField(blank=True)
    step = models.PositiveSmallIntegerField(default=0)
    preview = models.BinaryField(default=bytes)  # JPEG: the latest preview, later a thumbnail
    file = models.FileField(upload_to="pictures", blank=True)
    sha256 = models.CharField(max_length=64, blank=True, db_index=True)  # of the file
    plain_sha256 = models.CharField(max_length=64, blank=True)  # of the RGB pixels before watermarking
    watermark_id = models.PositiveBigIntegerField(
        null=True, blank=True, db_index=True
    )  # number in its invisible watermark
    step_ms = models.JSONField(default=list, blank=True)  # milliseconds of each step
    alignment = models.FloatField(null=True, blank=True)  # fit of picture and prompt, measured by `aligned_by`
    aligned_by = models.CharField(max_length=200, blank=True)
    vector = models.BinaryField(default=bytes)  # embedding of the prompt, float32
    vector_embedder = models.CharField(max_length=200, blank=True)  # the embedder that made it
    seconds = models.FloatField(default=0)
    model_seconds = models.FloatField(default=0)
    is_reduced = models.BooleanField(default=False)  # True: smaller than requested, for lack of memory
    pictogram = models.BooleanField(default=False)  # True: can only be a pictogram, by model and source
    unchecked = models.BooleanField(default=False)  # True: no classifier has checked it
    blur = models.CharField(max_length=40, blank=True)  # clause under which it is blurred; "": not blurred
    # Strictness of its moderation.
    level = models.CharField(max_length=12, choices=Strictness.choices, default=Strictness.SITE)
    favourite = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)

    objects = PictureQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created", "-seed"]

    def __str__(self) -> str:
        return self.prompt[:60]

    @property
    def active(self) -> bool:
        return self.status in self.ACTIVE

    @property
    def has_case(self) -> bool:
        """Return whether the picture has a review case, and its owner thus a notice. One query."""
        return Case.objects.filter(kind="picture", subject=str(self.pk)).exists()

    @property
    def files(self) -> list[str]:
        """Return the storage names of all files of the picture."""
        return [name for name in (self.file.name, self.start.name, self.mask.name) if name]

    @property
    def file_stem(self) -> str:
        """Return a file name made of the prompt, without extension."""
        words = "".join(letter if letter.isalnum() else " " for letter in self.prompt).split()
        return "-".join(words[:8])[:60] or "picture"


class Preset(models.Model):
    """Named settings of the picture form, without the prompt."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="presets")
    name = models.CharField(max_length=60)
    settings = models.JSONField(default=dict)  # by the names of the form's fields; what was left empty is not in it

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["owner", "name"], name="one_preset_a_name")]

    def __str__(self) -> str:
        return self.name


class PreviewFrame(models.Model):
    """Preview after one step, stored for the details of the drawing."""

    picture = models.ForeignKey(Picture, on_delete=models.CASCADE, related_name="frames")
    step = models.PositiveSmallIntegerField()
    preview = models.BinaryField()  # JPEG

    class Meta:
        db_table = "images_frame"
        ordering: ClassVar = ["picture", "step"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["picture", "step"], name="one_frame_a_step")]

    def __str__(self) -> str:
        return f"{self.picture_id} step {self.step}"
