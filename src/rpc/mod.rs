//! HOW IT IS ASKED. Owns the gRPC services: conversion, callers, policy, error mapping. The only room that knows
//! protobuf; does not know a store or a provider.
