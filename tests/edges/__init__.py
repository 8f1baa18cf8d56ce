"""The black-box suite that holds every edge to clients/README.md."""
