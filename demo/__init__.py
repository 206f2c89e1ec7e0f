"""A synthetic estate behind loopback replicas, asked by the real sources over the real wire."""
