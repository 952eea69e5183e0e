//! `/files`.

mod conditions;
mod download;
mod large;
mod links;
mod names;
mod objects;
mod ranges;
mod redirects;
mod rotation;

use reqwest::Method;

use crate::{
    harness::{Reply, Server, Setup},
    offers::{printed, tools_and_jobs},
};

/// What the page says.
const TEXT: &str = "0123456789abcdefghij";

/// A page that was printed, and the server that has it.
struct Page {
    server: Server,
    path: String,
}

impl Page {
    async fn new() -> Self {
        let (server, path) = page().await;
        Self { server, path }
    }

    /// Asks for it with headers.
    async fn on(&self, headers: &[(&str, &str)]) -> Reply {
        let mut request = self.server.http(Method::GET, &self.path);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.send().await
    }
}

/// A server, and the path of a page that was printed on it.
async fn page() -> (Server, String) {
    page_on(Setup::new(tools_and_jobs())).await
}

async fn page_on(setup: Setup) -> (Server, String) {
    let server = setup.start().await;
    let id = printed(&server, TEXT).await;
    (server, format!("/files/{id}/page.txt"))
}
