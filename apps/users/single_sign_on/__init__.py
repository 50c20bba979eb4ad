"""Sign-in with the accounts of an OpenID Connect provider: claims, provider, linking, groups and roles, sign-out."""
