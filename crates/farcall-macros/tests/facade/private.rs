// What the facade passes on for generated code. A test is its own facade:
// `extern crate self as farcall;` with this file as `__private`.

pub use farcall_core as core;
pub use schemars;
pub use serde;
pub use serde_json;
