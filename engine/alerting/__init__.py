"""Recording and alert rules for Prometheus, from one table and the configuration."""
