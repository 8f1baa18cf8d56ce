"""What the package costs: ``python -m benches`` measures it, and prints one line of JSON."""
