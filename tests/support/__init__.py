"""What tests share: the instant, and the real programs."""
