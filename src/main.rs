//! The binary. Does not know anything: everything is in the library.

fn main() -> std::process::ExitCode {
    gatelodge::cli::run()
}
