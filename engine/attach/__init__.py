"""An engine is attached to over a unix socket in its state folder, by whoever has its user id."""
