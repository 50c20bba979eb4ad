"""Claims of an identity provider read as identity, groups and role; settings that name a provider."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from apps.users.single_sign_on.claims import choose_role, read_identity
from tests.support.env_reading import read_env


@pytest.mark.parametrize(
    ("document", "claim", "groups"),
    [
        ({"groups": ["a", "b"]}, "groups", {"a", "b"}),
        ({"groups": "a"}, "groups", {"a"}),  # a text in place of a list
        ({"groups": ["/a", "/a/b"]}, "groups", {"a", "a/b"}),  # paths of Keycloak
        ({"groups": ["A"]}, "groups", {"A"}),  # the case counts
        ({"groups": [1, None, {"name": "a"}]}, "groups", {"1"}),
        ({"groups": {"a": True}}, "groups", set()),
        ({"groups": []}, "groups", set()),
        ({}, "groups", set()),  # the last group was removed
        ({"realm_access": {"roles": ["a"]}}, "realm_access.roles", {"a"}),
        ({"realm_access.roles": ["b"], "realm_access": {"roles": ["a"]}}, "realm_access.roles", {"b"}),
        ({"realm_access": "a"}, "realm_access.roles", set()),
        ({"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {}}}, "groups", None),
        ({"hasgroups": True}, "groups", None),
        ({"_claim_names": {"address": "src1"}}, "groups", set()),
    ],
)
def test_groups_are_read_from_the_claim(document: dict[str, Any], claim: str, groups: set[str] | None) -> None:
    assert read_identity({"sub": "1", **document}, {"sub": "1"}, claim).groups == groups
    assert read_identity({"sub": "1"}, {"sub": "1", **document}, claim).groups == groups


@pytest.mark.parametrize("value", [False, "false", "true", None, 1, "yes"])
def test_only_true_itself_is_a_verified_address(value: object) -> None:
    assert not read_identity(
        {"sub": "1"}, {"sub": "1", "email": "a@b.c", "email_verified": value}, "groups"
    ).email_verified
    assert read_identity({"sub": "1"}, {"sub": "1", "email": "a@b.c", "email_verified": True}, "groups").email_verified


def test_address_and_its_mark_come_from_one_document() -> None:
    token = {"sub": "1", "email": "a@b.c", "email_verified": True}
    assert not read_identity(token, {"sub": "1", "email": "boss@b.c"}, "groups").email_verified
    assert read_identity(token, {"sub": "1"}, "groups").email_verified


def test_the_name_a_user_chose_for_signing_in_is_no_address() -> None:
    assert read_identity({"sub": "1", "preferred_username": "boss@b.c", "upn": "boss@b.c"}, {}, "groups").email == ""


@pytest.mark.parametrize(
    ("roles", "current", "administrators", "reviewers", "role"),
    [
        ({"adm"}, "member", ["adm"], ["rev"], "administrator"),
        ({"adm", "rev"}, "member", ["adm"], ["rev"], "administrator"),
        ({"rev"}, "administrator", ["adm"], ["rev"], "reviewer"),
        (set(), "administrator", ["adm"], ["rev"], "member"),
        (set(), "reviewer", ["adm"], ["rev"], "member"),
        (None, "administrator", ["adm"], ["rev"], "administrator"),  # held back by the provider
        (set(), "administrator", [], ["rev"], "administrator"),  # a role without a setting is given by hand
        ({"rev"}, "administrator", [], ["rev"], "administrator"),
        (set(), "reviewer", ["adm"], [], "reviewer"),
        ({"adm"}, "reviewer", [], [], "reviewer"),
    ],
)
def test_role_follows_the_groups_that_the_settings_name(
    roles: set[str] | None, current: str, administrators: list[str], reviewers: list[str], role: str
) -> None:
    assert choose_role(roles, current, administrators, reviewers) == role


def test_issuer_without_tls_is_accepted_on_this_machine_only() -> None:
    assert read_env({"OIDC_ISSUER": "http://127.0.0.1:8080", "OIDC_CLIENT_ID": "openbook"}).OIDC_ISSUER
    for issuer in ("http://login.example.org", "http://127.0.0.1.evil.example", "ldap://127.0.0.1"):
        with pytest.raises(ImproperlyConfigured, match="OIDC_ISSUER"):
            read_env({"OIDC_ISSUER": issuer, "OIDC_CLIENT_ID": "openbook"})


def test_issuer_needs_a_client_id() -> None:
    with pytest.raises(ImproperlyConfigured, match="OIDC_CLIENT_ID"):
        read_env({"OIDC_ISSUER": "https://login.example.org"})


def test_lists_of_the_provider_are_comma_separated() -> None:
    assert read_env({"OIDC_ADMIN_GROUPS": "IT, Ops admins ,"}).OIDC_ADMIN_GROUPS == ["IT", "Ops admins"]
