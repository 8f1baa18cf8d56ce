//! Owns the start of the process: the allocator, the TLS provider, the command line. Does not know anything else.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    // Two TLS providers are in the tree of dependencies; without a choice rustls would stop at the first connection.
    // An error here means that the choice has been made already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    gatelodge::cli::run()
}
