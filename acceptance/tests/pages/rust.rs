//! The Rust of `docs/guide/rust-app.md`, compiled as one program, with the tests that it shows. `build.rs` makes it.

use farcall::Problem;

/// What the page leaves to its reader: who somebody is.
struct User {
    name: String,
    is_operator: bool,
}

/// The page's `lookup`, which is its reader's own.
async fn lookup(token: &str) -> Result<Option<User>, Problem> {
    let user = User {
        name: token.to_owned(),
        is_operator: token == "ann",
    };
    Ok(Some(user))
}

#[expect(
    dead_code,
    unused_variables,
    clippy::all,
    clippy::pedantic,
    reason = "a page shows parts of a program, and has a style of its own"
)]
mod page {
    use super::lookup;

    include!(concat!(env!("OUT_DIR"), "/rust_app.rs"));
}
