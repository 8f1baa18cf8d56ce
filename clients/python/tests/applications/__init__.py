"""The same small application in each framework: for these tests, and for ``edge-under-test``."""
