//! The Rust of the documentation, a page as one program, with the tests that it shows. `build.rs` makes them.
//!
//! What stands here beside them is what a page leaves to its reader.

#![expect(
    dead_code,
    unused_variables,
    clippy::all,
    clippy::pedantic,
    reason = "a page shows parts of a program, and has a style of its own"
)]

/// `docs/guide/migrate-fastmcp.md`, whose function returns a type of the reader's.
mod from_fastmcp {
    use farcall::prelude::*;

    /// A point of a line.
    #[data]
    struct Point {
        /// How high it is.
        y: f64,
    }

    include!(concat!(env!("OUT_DIR"), "/from_fastmcp.rs"));
}

/// `docs/concepts/jobs.md`, where a scene is drawn and a folder is cleared.
mod jobs {
    use farcall::{Job, Question, json, prelude::*};

    /// What to draw.
    #[data]
    struct RenderSpec {}

    struct Folder {
        files: Vec<std::path::PathBuf>,
    }

    fn prepare(_: &JobContext, spec: RenderSpec) -> Result<RenderSpec, Problem> {
        Ok(spec)
    }

    fn draw(_: &JobContext, spec: RenderSpec) -> Result<RenderSpec, Problem> {
        Ok(spec)
    }

    fn encode(ctx: &JobContext, _: RenderSpec) -> Result<Artifact, Problem> {
        ctx.create_artifact("film.gif")?.finish()
    }

    include!(concat!(env!("OUT_DIR"), "/jobs.rs"));
}

/// `docs/concepts/questions.md`.
mod questions {
    use farcall::{Question, json, prelude::*};

    include!(concat!(env!("OUT_DIR"), "/questions.rs"));
}

/// `README.md`.
mod readme {
    include!(concat!(env!("OUT_DIR"), "/readme.rs"));
}

/// `docs/guide/rust-app.md`, which leaves `lookup` to its reader.
mod rust_app {
    /// Who somebody is.
    struct User {
        name: String,
        is_operator: bool,
    }

    async fn lookup(token: &str) -> Result<Option<User>, Problem> {
        let user = User {
            name: token.to_owned(),
            is_operator: token == "ann",
        };
        Ok(Some(user))
    }

    include!(concat!(env!("OUT_DIR"), "/rust_app.rs"));
}
