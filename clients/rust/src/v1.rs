//! Owns the messages and stubs generated from `gatelodge.v1`, with secrets hidden from `Debug`. Knows no rule of use:
//! what a message means stands in the comments of `proto/`, which are its documentation here.

tonic::include_proto!("gatelodge.v1");
include!(concat!(env!("OUT_DIR"), "/redacted.rs"));
