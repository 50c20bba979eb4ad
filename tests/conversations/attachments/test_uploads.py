"""A picture is attached: drawn anew without what came with it, looked at, counted; what cannot be taken is refused in
words at once."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.utils import timezone
from PIL import Image

from apps.conversations.attachments import recognition, uploads
from apps.conversations.models import AttachedPicture, Attachment
from apps.engines import registry
from apps.engines.classify.image_classifier import FakeImageClassifier
from apps.safety.models import Case
from apps.safety.moderation import cases
from apps.safety.policy import user_messages
from apps.users import rate_limits
from apps.users.models import User
from apps.users.models.rate_limit import RateLimit
from tests.conversations.attachments.picture_uploads import attached, drawn, file, posted
from tests.factories import make_client, make_decision_input, make_exchange

pytestmark = pytest.mark.django_db(transaction=True)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb() -> bytes:
    """A PNG of a few kilobytes that says it has 30,000 by 30,000 pixels."""
    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(4 * 1024**2), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_uploaded_picture_is_stored_and_its_text_recognised(alice: User, bells: list[tuple[str, str]]) -> None:
    answer = posted(make_client(alice), drawn("Error E4: water pressure low"))
    row = AttachedPicture.objects.get()
    assert answer.status_code == 200 and f'data-attached="{row.pk}"' in answer.content.decode()
    assert bells == [(uploads.TASK_NAME, str(row.pk))] and (row.status, row.was_asked_about, row.width) == (
        "waiting",
        False,
        640,
    )
    recognition.process_pending()
    row.refresh_from_db()
    assert row.status == "ready" and "E4" in row.text and "pressure" in row.text and not row.recognition_problem


def test_camera_metadata_is_removed_from_an_uploaded_picture(alice: User) -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    noisy = io.BytesIO()
    noise = [Image.effect_noise((3000, 400), 90) for _ in range(3)]
    Image.merge("RGB", noise).save(noisy, "JPEG", exif=exif, comment=b"secret words")
    assert posted(make_client(alice), noisy.getvalue(), "../../photo\u202egpj.jpg").status_code == 200
    row = AttachedPicture.objects.get()
    content = Path(row.file.path).read_bytes()
    assert b"taken at home" not in content and b"secret words" not in content and row.kind == "image/jpeg"
    assert (row.width, row.height) == (2048, 273) and "/" not in row.name and "\u202e" not in row.name
    with Image.open(io.BytesIO(bytes(row.thumbnail))) as small:
        assert max(small.size) == 320


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    rate_limits.clear_rate_cache()
    yield
    rate_limits.clear_rate_cache()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"no picture at all", "damaged"),
        (drawn("cut off")[:400], "damaged"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "damaged"),
        (bomb(), "million pixels"),
        (drawn(size=(1, 1)), "less than 8 pixels"),
        (drawn(size=(1, 65_500)), "less than 8 pixels"),
        (bytes(21 * 1024**2), "20 MB"),
    ],
    ids=["empty", "text", "cut off", "svg", "bomb", "one pixel", "a line", "huge"],
)
def test_unusable_upload_is_refused_with_a_reason(alice: User, content: bytes, words: str) -> None:
    answer = posted(make_client(alice), content)
    assert answer.status_code == 400 and words in answer.content.decode()
    assert not AttachedPicture.objects.exists() and not list(Path(uploads.settings.MEDIA_ROOT).glob("attached/*"))


@pytest.mark.parametrize("form", ["CMYK", "I;16", "animated", "WEBP", "transparent"])
def test_unusual_pictures_are_taken(alice: User, form: str) -> None:
    out = io.BytesIO()
    if form == "CMYK":
        Image.new("CMYK", (64, 64), (0, 200, 200, 0)).save(out, "JPEG")
    elif form == "I;16":
        Image.new("I;16", (64, 64), 40_000).save(out, "PNG")
    elif form == "animated":
        frames = [Image.new("P", (64, 64), at % 250) for at in range(300)]
        frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    elif form == "WEBP":
        Image.new("RGB", (64, 64), "red").save(out, "WEBP")
    else:
        Image.new("RGBA", (64, 64), (255, 0, 0, 0)).save(out, "PNG")
    assert posted(make_client(alice), out.getvalue()).status_code == 200
    row = AttachedPicture.objects.get()
    with Image.open(row.file.path) as kept:
        assert kept.mode == "RGB" and not getattr(kept, "is_animated", False) and kept.size == (64, 64)
        assert form != "transparent" or kept.getpixel((5, 5)) == (255, 255, 255)


def test_uploaded_picture_is_visible_to_its_owner_only(alice: User, bob: User) -> None:
    row = attached(alice)
    own, other = make_client(alice), make_client(bob)
    shown = own.get(f"/attached/{row.pk}/")
    assert shown["Content-Type"] == "image/png" and b"".join(shown.streaming_content).startswith(b"\x89PNG")  # type: ignore[attr-defined]
    assert own.get(f"/attached/{row.pk}/?small")["Content-Type"] == "image/jpeg"
    assert f'data-attached="{row.pk}"' in own.get(f"/attached/?id={row.pk}").content.decode()
    for address in (f"/attached/{row.pk}/", f"/attached/{row.pk}/?small"):
        assert other.get(address).status_code == 404
    assert str(row.pk) not in other.get(f"/attached/?id={row.pk}").content.decode()
    assert other.post(f"/attached/{row.pk}/remove/").status_code == 404 and AttachedPicture.objects.count() == 1
    assert own.post(f"/attached/{row.pk}/remove/").status_code == 200
    assert not AttachedPicture.objects.exists() and not Path(row.file.path).exists()


def test_attached_picture_counts_against_the_upload_limit(alice: User) -> None:
    RateLimit.objects.create(scope="person", resource="uploads", burst=1, per_hour=1)
    rate_limits.clear_rate_cache()
    assert posted(make_client(alice), drawn("one")).status_code == 200
    assert posted(make_client(alice), drawn("two")).status_code == 429 and AttachedPicture.objects.count() == 1


def test_picture_that_crashes_the_worker_is_ready_without_its_text(alice: User) -> None:
    row = uploads.save_upload(alice, file(drawn("x")))
    AttachedPicture.objects.filter(pk=row.pk).update(attempts=recognition.MAX_ATTEMPTS)
    recognition.recover_pending()
    row.refresh_from_db()
    assert (row.status, row.text) == ("ready", "") and "crashed the worker" in row.recognition_problem


def test_forgotten_pictures_go_with_their_files(alice: User) -> None:
    old, draft, kept, gone = attached(alice), attached(alice), attached(alice), attached(alice)
    AttachedPicture.objects.filter(pk=old.pk).update(created=timezone.now() - timedelta(days=8))
    AttachedPicture.objects.filter(pk__in=[kept.pk, gone.pk]).update(was_asked_about=True)
    AttachedPicture.objects.filter(pk=kept.pk).update(created=timezone.now() - timedelta(days=8))
    Attachment.objects.create(question=make_exchange(alice).parent, picture=kept)
    recognition.recover_pending()
    assert set(AttachedPicture.objects.values_list("pk", flat=True)) == {draft.pk, kept.pk}
    assert [Path(row.file.path).exists() for row in (old, draft, kept, gone)] == [False, True, True, False]


def test_picture_found_by_the_classifier_is_held_and_can_be_released(
    alice: User, morgan: User, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ENGINES = {
        **settings.ENGINES,
        "pictures": {"BACKEND": "apps.engines.classify.image_classifier.FakeImageClassifier"},
    }
    registry._built.pop("pictures", None)
    monkeypatch.setattr(FakeImageClassifier, "scores", lambda self, picture: {"sexual": 0.95})
    own = make_client(alice)
    assert "data-withheld" in posted(own, drawn("x")).content.decode()
    row, case = AttachedPicture.objects.get(), Case.objects.get()
    assert (row.status, case.kind, case.owner_id) == ("held", "attached", alice.pk)
    assert own.get(f"/attached/{row.pk}/").status_code == 404
    staff = make_client(morgan)
    assert staff.get(f"/review/{case.pk}/").status_code == 200
    claimed = cases.claim_case(morgan, case.pk)
    assert staff.get(f"/review/{case.pk}/picture.png").status_code == 200
    cases.decide_case(morgan, claimed.pk, make_decision_input(claimed, "allow"))
    row.refresh_from_db()
    assert row.status == "waiting" and own.get(f"/attached/{row.pk}/").status_code == 200


def test_reason_of_a_held_picture_is_in_the_language_of_the_page(alice: User) -> None:
    row, reason = attached(alice), user_messages.ANSWER_MESSAGES["sexual"]
    AttachedPicture.objects.filter(pk=row.pk).update(status="held", reason=reason)
    own = make_client(alice)
    own.cookies["language"] = "de"
    shown = own.get(f"/attached/?id={row.pk}").content.decode()
    assert "data-withheld" in shown and reason not in shown
