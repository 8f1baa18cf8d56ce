//! HOW A PROVIDER IS SPOKEN TO. Owns OpenID Connect and OAuth2 towards providers, and the one HTTP client.
//! Knows the port it fills; does not know a store, a transport or a session.
