"""What the package costs: programs that print one line of JSON each, run as ``python -m benches.NAME``."""
