"""The frameworks, against the fake authority."""
