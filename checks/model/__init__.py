"""The vocabulary that checks judge with, and the fold that does their arithmetic."""
