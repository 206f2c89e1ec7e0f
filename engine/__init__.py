"""When, and what changed: configuration, schedule, collection, evaluation, store, evidence, metrics."""
