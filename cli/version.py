"""The version, as a constant: asking for it loads nothing."""

VERSION = "0.1.0"
