//! The binary: one allocator, one TLS provider, then the command line.
//! The provider is installed first: without it a TLS client panics.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        return ExitCode::from(3);
    }
    heyan::cli::run()
}
