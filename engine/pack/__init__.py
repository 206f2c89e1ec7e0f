"""An evidence pack is everything an auditor needs of a period, in one archive that ``sha256sum -c`` checks."""
