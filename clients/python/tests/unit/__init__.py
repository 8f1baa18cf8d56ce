"""Pure rules: no network, no framework."""
