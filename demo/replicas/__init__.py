"""One replica per provider: it answers as the vendor documents, on loopback."""
