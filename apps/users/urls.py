"""URLs of the pages on accounts, groups, limits and tokens. Sign-in and passwords are django-allauth's, below
/accounts/."""

from __future__ import annotations

from django.urls import path

from apps.users import i18n, special_permissions, user_field
from apps.users.views import (
    groups,
    instructions,
    invitation_list,
    join,
    rate_limits,
    second_factor,
    single_sign_on,
    tokens,
    usage,
    usage_limits,
    users,
)

app_name = "users"
urlpatterns = [
    path("accounts/provider/login/", single_sign_on.start, name="sso_start"),
    path("accounts/provider/callback/", single_sign_on.finish, name="sso_callback"),
    path("accounts/provider/reauthenticate/", single_sign_on.reauthenticate, name="sso_reauthenticate"),
    path("accounts/provider/backchannel-logout/", single_sign_on.end_by_provider, name="sso_end"),
    path("accounts/second-factor/set-up/", second_factor.set_up_at_sign_in, name="factor_set_up"),
    path("security/", second_factor.show_security, name="security"),
    path("security/add/", second_factor.add_factor, name="factor_add"),
    path("security/factors/<int:pk>/remove/", second_factor.remove_factor, name="factor_remove"),
    path("security/factors/<int:pk>/rename/", second_factor.rename_passkey, name="passkey_rename"),
    path("security/codes/", second_factor.show_codes, name="recovery_codes"),
    path("security/codes/new/", second_factor.renew_codes, name="recovery_codes_new"),
    path("security/codes/download/", second_factor.download_codes, name="recovery_codes_download"),
    path("security/devices/end/", second_factor.end_other_devices, name="devices_end"),
    path("security/devices/<slug:key>/end/", second_factor.end_device, name="device_end"),
    path("accounts/join/", join.ask_to_join, name="join"),
    path("accounts/join/<str:token>/", join.confirm_address, name="join_confirm"),
    path("people/requests/<int:pk>/approve/", join.approve_request, name="approve_request"),
    path("people/requests/<int:pk>/decline/", join.decline_request, name="decline_request"),
    path("language/", i18n.choose_language, name="language"),
    path("words/<slug:code>.js", i18n.serve_script_texts, name="words"),
    path("instructions/", instructions.edit_instructions, name="instructions"),
    path("tokens/", tokens.list_tokens, name="tokens"),
    path("tokens/<int:pk>/revoke/", tokens.revoke_own_token, name="revoke_token"),
    path("limits/", rate_limits.show_own_limits, name="limits"),
    path("people/limits/", rate_limits.edit_limits, name="limit_settings"),
    path("people/limits/usage/", usage_limits.edit_usage_limits, name="usage_limits"),
    path("people/limits/usage/<int:pk>/remove/", usage_limits.remove_usage_limit, name="usage_limit_remove"),
    path("people/usage/", usage.show_usage, name="usage"),
    path("people/", users.show_users, name="people"),
    path("people/suggestions/", user_field.show_suggestions, name="suggestions"),
    path("people/groups/", groups.list_groups, name="groups"),
    path("people/groups/<int:pk>/", groups.show_group, name="group"),
    path("people/groups/<int:pk>/remove/", groups.remove_member, name="group_remove"),
    path("people/groups/<int:pk>/rename/", groups.rename_group, name="group_rename"),
    path("people/groups/<int:pk>/delete/", groups.delete_group, name="group_delete"),
    path("people/<int:pk>/", users.show_user, name="user"),
    path("people/<int:pk>/groups/", groups.change_groups_of_user, name="user_groups"),
    path("people/<int:pk>/role/", users.change_role, name="role"),
    path("people/<int:pk>/active/", users.reinstate, name="active"),
    path(
        "people/<int:pk>/sealed/",
        users.change_special_permission,
        {"permission": special_permissions.SEALED},
        name="sealed",
    ),
    path(
        "people/<int:pk>/break-glass/",
        users.change_special_permission,
        {"permission": special_permissions.BREAK_GLASS},
        name="break_glass",
    ),
    path("people/<int:pk>/second-factor/remove/", users.take_off_factors, name="factors_take_off"),
    path("people/<int:pk>/address/", users.confirm, name="address"),
    path("people/invite/", invitation_list.invite_list, name="invite_list"),
    path("people/invitations/<int:pk>/renew/", users.renew, name="renew"),
    path("people/invitations/<int:pk>/revoke/", users.revoke_invitation, name="revoke"),
]
