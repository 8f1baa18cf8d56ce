//! HOW WHAT IS KEPT IS SEALED. Owns the encoding and sealing of records, tokens, logins and kept answers.
//! Pure; does not know where the bytes go.
