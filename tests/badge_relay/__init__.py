"""A stand-in for a badge as a binary cache."""
