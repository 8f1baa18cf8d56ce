//! Owns compiling the contract, with no protoc. Does not know what it means.

use std::path::PathBuf;
use std::{env, fs};

use prost::Message as _;
use prost_types::FileDescriptorSet;
use prost_types::field_descriptor_proto::Type;

/// Fields that are given encoded: on the wire a message is its bytes. So what is sent often is encoded once, and a question
/// that can't be read is known by its id, and ends no other.
const ENCODED: [(&str, &str); 4] = [
    ("ActiveSession", "identity"),
    ("ActiveSession", "session"),
    ("CheckSessionsRequest", "question"),
    ("CheckSessionsResponse", "answer"),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ours = ["login", "session", "token", "admin", "caller", "error_reason"]
        .map(|name| format!("gatelodge/v1/{name}.proto"));
    let files = ours.into_iter().chain(["envoy/service/auth/v3/external_auth.proto".to_owned()]);
    println!("cargo::rerun-if-changed=proto");
    let mut compiler = protox::Compiler::new(["proto"])?;
    let mut set = compiler.include_imports(true).include_source_info(true).open_files(files)?.file_descriptor_set();
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptor.bin"), set.encode_to_vec())?;
    take_encoded(&mut set);
    tonic_prost_build::configure()
        .build_client(false)
        .bytes(".")
        // The largest part of a request, by far: it would be copied wherever that goes.
        .boxed("context")
        // In order: what is encoded again is the same bytes.
        .btree_map(".gatelodge.v1")
        .skip_debug(["."])
        .compile_fds(set)?;
    Ok(())
}

fn take_encoded(set: &mut FileDescriptorSet) {
    let ours = set.file.iter_mut().filter(|file| file.package() == "gatelodge.v1");
    for message in ours.flat_map(|file| &mut file.message_type) {
        let name = message.name().to_owned();
        for field in message.field.iter_mut().filter(|field| ENCODED.contains(&(&name, field.name()))) {
            field.set_type(Type::Bytes);
            field.type_name = None;
        }
    }
}
