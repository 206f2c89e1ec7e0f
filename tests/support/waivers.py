"""A waiver file as people write it: spaces, quotes, comments and line breaks of every kind."""

from __future__ import annotations

from typing import Final

REASON: Final = "the kiosk has no second factor until the new hardware comes"
WRITTEN: Final = """# Waivers of the identity team.

[[ waiver ]]   # the first one
"id" = 'W-2026-0003'
check="workforce-mfa"
  subjects = [ "okta-prod/00u1", # the lobby
     'kiosk-*',
  ]
reason = \"\"\"
[[waiver]]
requested_by = "nobody"
approved_by = ""
it is text, # not a comment
\"\"\"
requested_by\t=\t"ana"   # asked on Monday
starts = 2026-11-01
expires = 2026-12-01 # reviewed with the audit committee

# Below: the vendor's.
[["waiver"]]
id = "vendor"
check = "keys"
subjects = ["legacy"]
reason = "the vendor moves the export to OAuth next quarter"
requested_by = "ana"
approved_by = "" # to be done
starts = 2026-11-01
expires = 2026-12-01
# The end."""
"""Two requests, for the checks ``workforce-mfa`` and ``keys``; the reason of the first looks like a third."""
