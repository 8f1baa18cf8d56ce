//! The fake authority of this crate, served for `tests/edges` before any edge. Does not know which. What it is told, and what
//! it says, is in tests/edges/README.md.

mod given;

use std::error::Error;
use std::io::{BufRead as _, stdin};

use gatelodge_client::testing::FakeAuthority;
use serde_json::Value;
use tokio::net::TcpListener;

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let listen = std::env::var("LISTEN").map_err(|_| "LISTEN has to say where to serve: 127.0.0.1:50051")?;
    let authority = FakeAuthority::new();
    let listener = runtime.block_on(TcpListener::bind(&listen))?;
    let serving = runtime.spawn(authority.clone().serve(listener));
    said("ready any-key");
    let mut signed_in = given::Sessions::new();
    for line in stdin().lock().lines() {
        let told: Value = serde_json::from_str(&line?)?;
        if let Some(begin) = told.get("begin") {
            authority.reset();
            signed_in = given::sign_in(&authority, begin);
            given::set(&authority, begin, &signed_in);
        }
        if let Some(change) = told.get("change") {
            given::set(&authority, change, &signed_in);
        }
        said("told");
    }
    serving.abort();
    Ok(())
}

#[expect(clippy::print_stdout, reason = "whoever started it reads this")]
fn said(what: &str) {
    println!("{what}");
}
