//! HOW IT IS ASKED. Owns the gRPC services: conversion, callers, policy, error mapping. The only room that knows
//! protobuf; does not know a store or a provider.

mod admin_service;
mod answers;
mod asked;
mod audit;
mod caller_keys;
pub mod callers;
mod certificates;
mod check;
mod check_stream;
mod checks_at_work;
mod connection;
mod entrance;
pub mod envoy;
mod fields;
mod gate;
pub mod grpc_web;
mod health;
mod identify;
mod login_answers;
mod login_service;
mod observed;
mod once;
mod peer;
mod places;
pub mod policy;
mod questions;
pub mod server;
mod session_answers;
mod session_service;
mod shares;
mod status;
mod strangers;
mod streams;
pub mod tasks;
pub mod tls;
mod token_answers;
mod token_questions;
mod token_service;
mod user_answers;
mod watching;
mod work;

/// The generated code of the contract.
#[expect(
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated; the contract's comments are its documentation"
)]
pub mod v1 {
    tonic::include_proto!("gatelodge.v1");

    /// The compiled contract, for reflection and for tests that walk it.
    pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.bin"));
}
