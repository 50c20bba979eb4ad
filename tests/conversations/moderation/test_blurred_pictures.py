"""A picture that a reviewer blurs while pages with it are open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from apps.images.models import Picture
from apps.lib.concurrency.threads import in_db
from apps.safety.models import Notice
from apps.safety.moderation import cases
from apps.users.models import User
from tests.factories import make_client
from tests.images.moderation.test_blur import body, decide, edges, row  # noqa: F401


@pytest.fixture(autouse=True)
def _own_folder(settings: LazySettings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.mark.django_db(transaction=True)
async def test_open_pages_are_told_and_show_it_under_another_address(
    alice: User, morgan: User, row: Picture, open_page: Any  # noqa: F811
) -> None:  # fmt: skip
    await Picture.objects.aupdate(blur="")
    client = await in_db(make_client, alice)
    shown = await in_db(client.get, f"/pictures/{row.pk}/")
    assert f'src="/pictures/{row.pk}/file.png"' in shown.content.decode()
    page = await open_page(alice)
    await in_db(decide, morgan, row)
    assert await page.hear("picture") == {"type": "picture", "picture": str(row.pk), "held": False}
    for address in ("/pictures/", f"/pictures/{row.pk}/"):
        content = (await in_db(client.get, address)).content.decode()
        assert f'src="/pictures/{row.pk}/' in content
        assert content.count(f'src="/pictures/{row.pk}/') == content.count("?blurred"), address
    assert edges(await in_db(body, client, f"/pictures/{row.pk}/file.png?blurred")) < 20
    await in_db(cases.undo_decision, morgan, (await Notice.objects.exclude(decision=None).aget()).case_id)
    assert (await page.hear("picture"))["held"] is False
    again = (await in_db(client.get, f"/pictures/{row.pk}/")).content.decode()
    assert "?blurred" not in again
