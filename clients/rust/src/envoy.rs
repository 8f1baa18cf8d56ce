//! Owns the messages and stubs of the part of Envoy's contract by which proxies are answered. They hold cookies: none has a
//! `Debug`.

tonic::include_proto!("envoy.service.auth.v3");
