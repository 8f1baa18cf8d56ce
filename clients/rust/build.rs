//! Owns the generated code: messages and stubs from `proto/`, compiled without protoc.
//! Does not know what they mean.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use protox::prost_reflect::{DescriptorPool, FieldDescriptor, MessageDescriptor, OneofDescriptor};

const PROTO: &str = "proto";

fn main() -> Result<(), Box<dyn Error>> {
    // Not the link itself: cargo does not look behind it.
    println!("cargo::rerun-if-changed={PROTO}/gatelodge/v1");
    println!("cargo::rerun-if-changed={PROTO}/envoy");
    let mut files: Vec<_> = fs::read_dir(format!("{PROTO}/gatelodge/v1"))?
        .map(|entry| Ok(format!("gatelodge/v1/{}", entry?.file_name().to_string_lossy())))
        .collect::<Result<_, std::io::Error>>()?;
    files.retain(|file| Path::new(file).extension().is_some_and(|extension| extension == "proto"));
    files.push("envoy/service/auth/v3/external_auth.proto".to_owned());
    files.sort();

    let mut compiler = protox::Compiler::new([PROTO])?;
    compiler.include_imports(true).include_source_info(true).open_files(files)?;
    let secretive = secretive_messages(&compiler.descriptor_pool());

    tonic_prost_build::configure()
        .build_server(env::var_os("CARGO_FEATURE_TESTING").is_some())
        .bytes(".")
        .skip_debug(secretive.iter().map(|message| format!(".{}", message.full_name())).chain([".envoy".to_owned()]))
        .compile_fds(compiler.file_descriptor_set())?;

    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    fs::write(out.join("redacted.rs"), secretive.iter().map(debug_impl).collect::<String>())?;
    Ok(())
}

/// Messages with at least one field marked `debug_redact`. prost does not heed the mark, so their `Debug` is ours.
fn secretive_messages(pool: &DescriptorPool) -> Vec<MessageDescriptor> {
    pool.all_messages()
        .filter(|message| message.package_name() == "gatelodge.v1" && message.fields().any(|field| is_secret(&field)))
        .collect()
}

fn is_secret(field: &FieldDescriptor) -> bool {
    field.options().get_field_by_name("debug_redact").is_some_and(|mark| mark.as_bool() == Some(true))
}

fn real_oneof(field: &FieldDescriptor) -> Option<OneofDescriptor> {
    field.containing_oneof().filter(|oneof| !oneof.is_synthetic())
}

/// A `Debug` that shows `***` for each secret field, and for each oneof that holds one.
fn debug_impl(message: &MessageDescriptor) -> String {
    let mut shown = String::new();
    let mut show = |name: &str, secret: bool| {
        let value = if secret { "&::core::format_args!(\"***\")".to_owned() } else { format!("&self.r#{name}") };
        let _ = write!(shown, ".field(\"{name}\", {value})");
    };
    for field in message.fields().filter(|field| real_oneof(field).is_none()) {
        show(field.name(), is_secret(&field));
    }
    let mut oneofs = String::new();
    for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
        let secret = oneof.fields().any(|field| is_secret(&field));
        show(oneof.name(), secret);
        let derived = if secret { "f.write_str(\"***\")" } else { "f.write_str(\"..\")" };
        let path = format!("{}::{}", snake_case(message.name()), camel_case(oneof.name()));
        oneofs += &impl_of(&path, derived);
    }
    let body = format!("f.debug_struct(\"{}\"){shown}.finish()", message.name());
    impl_of(message.name(), &body) + &oneofs
}

fn impl_of(path: &str, body: &str) -> String {
    format!(
        "impl ::core::fmt::Debug for {path} {{\n    \
         fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{\n        {body}\n    }}\n}}\n"
    )
}

fn snake_case(camel: &str) -> String {
    let mut snake = String::new();
    for (at, letter) in camel.char_indices() {
        if letter.is_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

fn camel_case(snake: &str) -> String {
    snake
        .split('_')
        .flat_map(|word| word.chars().enumerate().map(|(at, c)| if at == 0 { c.to_ascii_uppercase() } else { c }))
        .collect()
}
