"""Models of golden questions, their runs and results, and wrong citations of answer runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy

from apps.documents.models import Collection, Document, IndexBuild
from apps.lib.db.leases import Leased
from apps.lib.db.stored_text_field import StoredTextField

if TYPE_CHECKING:
    from apps.users.models import AnyUser


class GoldenQuestionQuerySet(models.QuerySet["GoldenQuestion"]):
    """Query set that restricts golden questions to those of editable collections."""

    def editable_by(self, user: AnyUser) -> GoldenQuestionQuerySet:
        return self.filter(collection__in=Collection.objects.editable_by(user))


class GoldenQuestion(models.Model):
    """Question with the expected place of its answer: a document, a passage of it, or words that passages must hold."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="golden_questions")
    text = models.CharField(max_length=500)
    document = models.ForeignKey(Document, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    page_number = models.PositiveIntegerField(default=0)  # 0: anywhere in the document
    char_start = models.PositiveIntegerField(default=0)  # start of the passage in Page.text
    char_end = models.PositiveIntegerField(default=0)
    quote = models.CharField(max_length=200, blank=True)  # how the passage began when it was chosen
    expected_words = models.CharField(
        max_length=400, blank=True
    )  # words that a found passage must contain, separated by commas
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    objects = GoldenQuestionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["created", "pk"]

    def __str__(self) -> str:
        return self.text

    @property
    def location(self) -> str:
        """Return where in the expected document the answer is, such as "page 3"; "" without a document."""
        return self.document.get_page_label(self.page_number) if self.document else ""

    @property
    def is_void(self) -> bool:
        """Return whether no criterion is left, because the expected document was deleted."""
        return self.document_id is None and not self.expected_words


class GoldenRunQuerySet(models.QuerySet["GoldenRun"]):
    """Query set of runs."""

    def open(self) -> GoldenRunQuerySet:
        """Return runs that wait or are running."""
        return self.filter(status__in=[GoldenRun.Status.WAITING, GoldenRun.Status.RUNNING])

    def live(self) -> GoldenRunQuerySet:
        """Return runs of the live index, not of a build under test."""
        return self.filter(build__isnull=True)

    def done(self) -> GoldenRunQuerySet:
        return self.filter(status=GoldenRun.Status.DONE)


class GoldenRun(Leased):
    """Run that searches every golden question of a collection once. Measures are means over questions, 0 to 1."""

    class Status(models.TextChoices):
        WAITING = "waiting", gettext_lazy("Waiting")
        RUNNING = "running", gettext_lazy("Running")
        DONE = "done", gettext_lazy("Done")
        FAILED = "failed", gettext_lazy("Failed")

    class Cause(models.TextChoices):
        """Reason why a run was started."""

        HAND = "hand", gettext_lazy("Started manually")
        INDEX = "index", gettext_lazy("Documents changed")
        SETTINGS = "settings", gettext_lazy("Settings changed")

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="golden_runs")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    # build on trial; null: the live index
    build = models.ForeignKey(
        IndexBuild, on_delete=models.CASCADE, null=True, blank=True, related_name="golden_runs"
    )  # fmt: skip
    cause = models.CharField(max_length=8, choices=Cause.choices, default=Cause.HAND)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.WAITING)
    index_state = models.CharField(max_length=64, blank=True)  # changes with what is searched
    settings_state = models.CharField(max_length=64, blank=True)  # changes with how it is searched
    questions = models.PositiveIntegerField(default=0)
    recall = models.FloatField(null=True)  # share of questions whose place was found among the first ten
    mrr = models.FloatField(null=True)  # mean of 1 / rank
    ndcg = models.FloatField(null=True)  # nDCG@10
    precision = models.FloatField(null=True)  # share of the sentences quoted first that stand in that place
    reason = StoredTextField(blank=True)  # why it failed
    created = models.DateTimeField(auto_now_add=True)
    finished = models.DateTimeField(null=True, blank=True)

    objects = GoldenRunQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["collection"], condition=models.Q(status__in=["waiting", "running"]), name="one_open_golden_run"
            )
        ]

    def __str__(self) -> str:
        return f"run {self.pk} of {self.collection_id}"


class GoldenResult(models.Model):
    """Result of one question in one run."""

    run = models.ForeignKey(GoldenRun, on_delete=models.CASCADE, related_name="results")
    question = models.ForeignKey(GoldenQuestion, on_delete=models.CASCADE, related_name="results")
    rank = models.PositiveSmallIntegerField(null=True)  # from 1; null: not among the first ten above the cut
    precision = models.FloatField(null=True)  # null: nothing was quoted
    missing = models.CharField(max_length=400, blank=True)  # expected words that no passage held

    class Meta:
        ordering: ClassVar = ["question"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "question"], name="one_result_a_question")]

    def __str__(self) -> str:
        return f"{self.question_id}: {self.rank}"

    @property
    def passed(self) -> bool:
        return self.rank is not None and not self.missing


class AnswerRunQuerySet(models.QuerySet["AnswerRun"]):
    """Query set of answer runs."""

    def open(self) -> AnswerRunQuerySet:
        return self.filter(status__in=[GoldenRun.Status.WAITING, GoldenRun.Status.RUNNING])


class AnswerRun(Leased):
    """Run in which the model answers every golden question of a collection; counts wrong citations. Started by hand."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="answer_runs")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    status = models.CharField(max_length=8, choices=GoldenRun.Status.choices, default=GoldenRun.Status.WAITING)
    model = models.CharField(max_length=255, blank=True)  # model that wrote the answers; empty: none was written
    questions = models.PositiveIntegerField(default=0)  # questions to answer
    questions_asked = models.PositiveIntegerField(default=0)  # questions asked so far
    answered = models.PositiveIntegerField(default=0)  # questions answered; the others were withheld
    sentences = models.PositiveIntegerField(default=0)  # sentences with a citation
    reason = StoredTextField(blank=True)  # why it failed
    created = models.DateTimeField(auto_now_add=True)
    finished = models.DateTimeField(null=True, blank=True)

    objects = AnswerRunQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["collection"], condition=models.Q(status__in=["waiting", "running"]), name="one_open_answer_run"
            )
        ]

    def __str__(self) -> str:
        return f"answers {self.pk} of {self.collection_id}"


class WrongCitation(models.Model):
    """Sentence of an answer whose citation points to another place than the golden question expects."""

    run = models.ForeignKey(AnswerRun, on_delete=models.CASCADE, related_name="wrong_citations")
    question = models.ForeignKey(GoldenQuestion, on_delete=models.CASCADE, related_name="+")
    sentence = models.TextField()
    document = models.ForeignKey(
        Document, on_delete=models.CASCADE, related_name="+"
    )  # document that the citation names
    page_number = models.PositiveIntegerField()

    class Meta:
        ordering: ClassVar = ["question", "pk"]

    def __str__(self) -> str:
        return self.sentence[:60]
