"""The whole: the README, the built package, and the real authority."""
