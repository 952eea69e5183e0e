//! Tools, by what they exercise.

mod content;
mod notifications;
mod questions;
mod rounds;
mod schema;

use farcall::{App, Updates};

/// Adds the tools, one first that needs no arguments: the suite calls the first one without any.
pub(crate) fn register(app: App, updates: &Updates) -> App {
    let app = content::register(app);
    let app = notifications::register(app, updates);
    let app = questions::register(app);
    let app = schema::register(app);
    rounds::register(app)
}
