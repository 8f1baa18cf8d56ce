//! Owns compiling the contract, with no protoc. Does not know what it means.

use std::path::PathBuf;
use std::{env, fs};

use prost::Message as _;
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FileDescriptorSet};

/// Fields that are given encoded: on the wire a message is its bytes. So what is sent often is encoded once, and a question
/// that can't be read is known by its id, and ends no other.
const ENCODED: [(&str, &str); 7] = [
    ("ActiveSession", "identity"),
    ("ActiveSession", "session"),
    ("CheckSessionsRequest", "question"),
    ("CheckSessionsResponse", "answer"),
    ("CheckResponse", "ok_response"),
    ("CheckResponse", "dynamic_metadata"),
    ("Request", "http"),
];

/// Messages of Envoy's whose text is taken as bytes, which on the wire is the same: what came is a piece of the message that
/// it came in.
const TEXT_AS_BYTES: [&str; 2] = ["SocketAddress", "HeaderValue"];

/// Messages of Envoy's that are read where they lie in the one that came, so that a header costs no copy.
const IN_PLACE: [&str; 2] = ["HttpRequest", "HeaderMap"];

/// What is read once, in order, needs no map: it is the list of its entries.
const LISTED: &str = "ContextExtensionsEntry";

const ENVOY: &str = "envoy.service.auth.v3";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ours = ["login", "session", "token", "admin", "caller", "error_reason"]
        .map(|name| format!("gatelodge/v1/{name}.proto"));
    let files = ours.into_iter().chain(["envoy/service/auth/v3/external_auth.proto".to_owned()]);
    println!("cargo::rerun-if-changed=proto");
    let mut compiler = protox::Compiler::new(["proto"])?;
    let mut set = compiler.include_imports(true).include_source_info(true).open_files(files)?.file_descriptor_set();
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptor.bin"), set.encode_to_vec())?;
    let compiler = || {
        tonic_prost_build::configure()
            .build_client(false)
            .bytes(".")
            // The largest part of a request, by far: it would be copied wherever that goes.
            .boxed("context")
            // In order: what is encoded again is the same bytes.
            .btree_map(".gatelodge.v1")
            .skip_debug(["."])
    };
    // Envoy's twice: as anybody compiles it, for those who ask, and as it is read and written here.
    let envoys = set.file.iter().filter(|file| file.package() == ENVOY).cloned().collect();
    compiler().compile_fds(FileDescriptorSet { file: envoys })?;
    for message in set.file.iter_mut().flat_map(|file| &mut file.message_type) {
        take_encoded(message);
    }
    let (mut wire, ours): (Vec<_>, _) = set.file.into_iter().partition(|file| file.package() == ENVOY);
    // Comments are known by their places, and what was a map has none.
    for file in &mut wire {
        file.source_code_info = None;
        leave_in_place(&mut file.message_type);
    }
    compiler().compile_fds(FileDescriptorSet { file: ours })?;
    let out = out.join("wire");
    fs::create_dir_all(&out)?;
    compiler().out_dir(out).compile_fds(FileDescriptorSet { file: wire })?;
    Ok(())
}

fn leave_in_place(messages: &mut Vec<DescriptorProto>) {
    messages.retain(|message| !IN_PLACE.contains(&message.name()));
    for message in messages {
        leave_in_place(&mut message.nested_type);
    }
}

fn take_encoded(message: &mut DescriptorProto) {
    let name = message.name().to_owned();
    for field in message.field.iter_mut().filter(|field| ENCODED.contains(&(&name, field.name()))) {
        field.set_type(Type::Bytes);
        field.type_name = None;
    }
    if name == LISTED {
        message.options = None;
    }
    if TEXT_AS_BYTES.contains(&&*name) {
        message
            .field
            .iter_mut()
            .filter(|field| field.r#type() == Type::String)
            .for_each(|field| field.set_type(Type::Bytes));
    }
    message.nested_type.iter_mut().for_each(take_encoded);
}
