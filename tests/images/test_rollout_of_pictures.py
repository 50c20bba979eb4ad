"""A picture is judged by the version of the policy that is live for whoever asked for it."""

from __future__ import annotations

import pytest

from apps.engines.image.fake import FakePainter
from apps.images import asking, generate
from apps.images.asking import Wish
from apps.safety import policies, replaying, rollout
from apps.safety.models import Recorded
from apps.users.models import User
from tests.people import person
from tests.safety.drafts import body, verdicts_kept

__all__ = ["verdicts_kept"]
pytestmark = pytest.mark.django_db


def test_the_worker_knows_whose_it_is(
    alice: User, bob: User, ada: User, painter: FakePainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [asking.ask(user, Wish("A lamp at night"))[0] for user in (alice, bob)]
    monkeypatch.setattr(policies.Partial, "judges", lambda self, pk: pk == alice.pk)
    version = policies.draft(ada, body(withhold=0.9))
    replaying.replay(ada, version)
    rollout.begin(person("otto", User.Role.ADMINISTRATOR), version, 5)
    for row, expected in zip(rows, (version.number, policies.live().number), strict=True):
        Recorded.objects.all().delete()
        generate.draw(row.pk)
        stages = dict(Recorded.objects.values_list("stage", "policy"))
        assert stages == {"question": expected, "picture": expected}
