//! Owns the command line: verbs, tables, exit codes. Does not know how anything is done.
