from __future__ import annotations

from apps.documents.models import Collection, Membership, Role
from apps.users.models import User


def test_a_collection_is_seen_by_its_owner_its_members_and_nobody_else(alice: User, bob: User, charlie: User) -> None:
    collection = Collection.objects.create(owner=alice, name="Recipes")
    Membership.objects.create(collection=collection, user=bob)
    seen = {user.name: list(Collection.objects.visible_to(user)) for user in (alice, bob, charlie)}
    assert seen == {"Alice": [collection], "Bob": [collection], "Charlie": []}


def test_a_reader_may_not_edit(alice: User, bob: User) -> None:
    collection = Collection.objects.create(owner=alice, name="Recipes")
    Membership.objects.create(collection=collection, user=bob, role=Role.READER)
    assert list(Collection.objects.editable_by(alice)) == [collection]
    assert list(Collection.objects.editable_by(bob)) == []
