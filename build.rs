//! Owns compiling the contract, with no protoc. Does not know what it means.

use std::path::PathBuf;
use std::{env, fs};

use prost::Message as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = ["login", "session", "token", "admin", "error_reason"].map(|name| format!("gatelodge/v1/{name}.proto"));
    println!("cargo::rerun-if-changed=proto");
    let mut compiler = protox::Compiler::new(["proto"])?;
    let set = compiler.include_imports(true).include_source_info(true).open_files(files)?.file_descriptor_set();
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptor.bin"), set.encode_to_vec())?;
    tonic_prost_build::configure().build_client(false).bytes(".").skip_debug(["."]).compile_fds(set)?;
    Ok(())
}
