"""Second factor of sign-ins with a password: apps that make codes, passkeys, recovery codes, and who needs one."""
