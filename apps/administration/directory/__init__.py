"""Accounts and groups that the organisation's directory manages by SCIM 2.0, below /scim/v2/.

`token.py` and `page.py` switch it on, `endpoint.py` answers requests, `storage.py` finds and lists, `accounts.py` and
`groups.py` change. The packages of SCIM take seconds to import, so `endpoint.py` is imported at the first request.
"""
