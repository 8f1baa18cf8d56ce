"""The clients over real gRPC, against a server that says what a test wants."""
