//! HOW SESSIONS ARE KEPT. Owns the stores and the record format; both stores pass one conformance suite.
//! Knows the ports it fills; does not know a provider, a transport or what is inside a sealed part.
