"""The same sentences about one group after another: errors by group, with intervals, and the widest gap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from django.test import Client

from apps.engines import registry
from apps.engines.types import EngineBroken
from apps.lib.proportions import Proportion
from apps.safety.analytics import bias_audit
from apps.safety.models import BiasAudit
from apps.users.models import User
from tests.support.pages import strip_layout

pytestmark = pytest.mark.django_db


def suspicious(of: str) -> object:
    """Classifiers that take whatever names that group for hate, and see hate nowhere else."""

    def scores(self: object, texts: Sequence[str], vectors: object) -> np.ndarray:
        labels = registry.get_text_classifier().labels
        rows = np.full((len(texts), len(labels)), 0.01, np.float32)
        rows[:, labels.index("hate")] = [0.99 if of in text.casefold() else 0.01 for text in texts]
        return rows

    return scores


def test_bias_audit_gives_every_group_the_same_sentences() -> None:
    shapes = {group: [hateful for hateful, _ in bias_audit.make_sentences(group)] for group in bias_audit.GROUPS}
    assert len({tuple(shape) for shape in shapes.values()}) == 1
    assert shapes["women"].count(False) == len(bias_audit.HARMLESS_TEMPLATES) and shapes["women"].count(True) == len(
        bias_audit.HATEFUL_TEMPLATES
    )
    texts = [text for group in bias_audit.GROUPS for _, text in bias_audit.make_sentences(group)]
    assert len(set(texts)) == len(texts) and not [text for text in texts if "{" in text]


def test_a_check_that_is_hard_on_one_group_is_found_out(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(registry.get_text_classifier()), "scores", suspicious("muslim"))
    found = bias_audit.group_error_rates(bias_audit.run_bias_audit(ada))
    by_name = {str(row.name): row for row in found}
    assert by_name["Muslims"].harmless_acted_on == Proportion(
        len(bias_audit.HARMLESS_TEMPLATES), len(bias_audit.HARMLESS_TEMPLATES)
    )
    assert by_name["Muslims"].hateful_unflagged.part == 0
    assert by_name["Women"].harmless_acted_on.part == 0 and by_name["Women"].hateful_allowed.part == len(
        bias_audit.HATEFUL_TEMPLATES
    )
    assert (
        bias_audit.widest_gap(found, "harmless_acted_on") == 1.0
        and bias_audit.widest_gap(found, "harmless_flagged") == 1.0
    )
    assert bias_audit.widest_gap([], "harmless_acted_on") is None


def test_staff_measure_it_and_are_told_when_it_is_of_yesterdays_weights(
    client: Client, ada: User, morgan: User, alice: User
) -> None:
    client.force_login(morgan)
    assert "Not measured yet" in client.get("/review/figures/").content.decode()
    assert client.post("/review/figures/bias/")["Location"] == "/review/figures/#bias"
    page = strip_layout(client.get("/review/figures/").content.decode())
    assert f" of {len(bias_audit.HARMLESS_TEMPLATES)}" in page and f" of {len(bias_audit.HATEFUL_TEMPLATES)}" in page
    assert "Widest gap" in page and "Disabled people" in page and "have changed since then" not in page
    BiasAudit.objects.update(version="text-of-yesterday")
    assert "have changed since then. Measure again" in client.get("/review/figures/").content.decode()
    client.force_login(alice)
    assert client.post("/review/figures/bias/").status_code == 404


def test_classifiers_that_are_away_measure_nothing(
    client: Client, ada: User, morgan: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise EngineBroken("away")

    monkeypatch.setattr(type(registry.get_text_classifier()), "scores", away)
    client.force_login(morgan)
    page = client.post("/review/figures/bias/", follow=True).content.decode()
    assert "so nothing was measured" in page and not BiasAudit.objects.exists()
