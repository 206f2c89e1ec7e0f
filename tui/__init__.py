"""What a person sees: screens that draw a snapshot."""
