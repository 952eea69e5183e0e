//! The page for whoever opens `/mcp` in a browser.
//!
//! It is whole without its script, which only makes the copy buttons work, and asks nobody else for anything. A stranger
//! reads on it what the server is called, whether it is ready, and how each client connects: what a client learns from a
//! refusal, and what probes are told. Tools are there for whoever may list them.

use std::{fmt::Write as _, sync::LazyLock};

use axum::{body::Body, response::Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use sha2::{Digest as _, Sha256};

use super::{Auth, CLIENTS, Client, Registration, Secrets, text};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// A ring with a point in it. Without one of its own a browser asks for `/favicon.ico`, and complains that there is none.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='6' fill='none' stroke='%230a6b5e' stroke-width='2.5'/%3E%3Ccircle cx='8' cy='8' r='2.5' fill='%230a6b5e'/%3E%3C/svg%3E";

/// What the page may do: exactly its own style and its own script.
static POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    HeaderValue::try_from(policy).ok()
});

/// Whether it is a browser that asks, and no client of MCP: those accept streams, JSON, or anything, which no browser
/// names that opens a page.
pub(super) fn is_for_browsers(headers: &HeaderMap) -> bool {
    let of_protocol = [
        "mcp-protocol-version",
        "mcp-session-id",
        "mcp-method",
        "last-event-id",
    ];
    if of_protocol.iter().any(|name| headers.contains_key(*name)) {
        return false;
    }
    let values = headers.get_all(header::ACCEPT).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let ranges = values.flat_map(|value| value.split(','));
    let (mut html, mut protocol) = (false, false);
    for range in ranges {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let is_refused = parts.any(|part| {
            let quality = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="));
            quality.is_some_and(|quality| quality.parse() == Ok(0.0_f32))
        });
        html |= !is_refused && kind.eq_ignore_ascii_case("text/html");
        let answers = ["text/event-stream", "application/json"];
        protocol |= !is_refused
            && answers
                .iter()
                .any(|answer| kind.eq_ignore_ascii_case(answer));
    }
    html && !protocol
}

/// The page as an answer.
pub(super) fn response(page: String) -> Response {
    const HEADERS: [(HeaderName, &str); 7] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        // Health and tools are those of this moment, and of this visitor.
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "accept"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ];
    let mut response = Response::new(Body::from(page));
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(policy) = &*POLICY {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
    }
    response
}

impl Registration {
    /// The page about this server, of which the check `failing` fails, where one does.
    pub(super) fn page(&self, failing: Option<&str>) -> String {
        let title = text::one_line(self.title.as_ref().unwrap_or(&self.name));
        let title = text::html(&title);
        let mut page = String::with_capacity(32 * 1024);
        // Writing to a string cannot fail.
        let _ = write!(
            page,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"robots\" content=\"noindex\">\n<title>{title}: an MCP server</title>\n\
             <link rel=\"icon\" href=\"{ICON}\">\n<style>{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n\
             <p>This is an MCP server. Agents and editors connect to it and call its tools; a browser is shown this \
             page.</p>\n{}\n</header>\n<main>\n",
            health(failing)
        );
        self.write_address(&mut page);
        self.write_clients(&mut page);
        self.write_tools(&mut page);
        let (name, version) = (text::one_line(&self.name), text::one_line(&self.version));
        let _ = write!(
            page,
            "</main>\n<footer>\n<p><code>{}</code> version {}. For language models: <a href=\"/llms.txt\">/llms.txt</a>. \
             For probes: <a href=\"/healthz\">/healthz</a>.</p>\n</footer>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
            text::html(&name),
            text::html(&version)
        );
        page
    }

    fn write_address(&self, page: &mut String) {
        page.push_str("<section>\n<h2>Address</h2>\n");
        write_block(page, "address", &self.url, "the address");
        let callers = match self.auth {
            Auth::Access => {
                "Cloudflare Access checks who calls. The operator hands out a service token, which travels as two headers:"
            }
            Auth::Bearer => "Callers send a token, which the operator hands out:",
            Auth::OAuth => {
                "Callers log in: a client finds the authorization server by itself, and asks you to log in there."
            }
            Auth::Open => "This server asks nobody who they are.",
        };
        let _ = writeln!(page, "<p>{callers}</p>");
        let headers = self.headers();
        if !headers.is_empty() {
            page.push_str("<ul>\n");
            for header in headers {
                let _ = writeln!(
                    page,
                    "<li><code>{}: {}…</code>, in the variable <code>{}</code> below</li>",
                    header.name, header.before, header.variable
                );
            }
            page.push_str("</ul>\n");
        }
        page.push_str("</section>\n");
    }

    fn write_clients(&self, page: &mut String) {
        page.push_str("<section>\n<h2>Connect a client</h2>\n");
        let [any, named @ ..] = &CLIENTS;
        for (index, client) in named.iter().chain([any]).enumerate() {
            self.write_client(page, client, index == 0);
        }
        page.push_str("</section>\n");
    }

    fn write_client(&self, page: &mut String, client: &Client, is_open: bool) {
        let open = if is_open { " open" } else { "" };
        let Client { id, name, .. } = client;
        let _ = writeln!(
            page,
            "<details name=\"client\"{open}>\n<summary>{name}</summary>\n<div>\n<p>{}</p>",
            from_markdown(&self.steps(client))
        );
        let block = client.block(self);
        write_block(page, id, &block, &format!("the block for {name}"));
        if client.secrets == Secrets::Written && !self.headers().is_empty() {
            page.push_str(
                "<p class=\"quiet\">Then the file holds a secret: share it with nobody.</p>\n",
            );
        }
        if !client.note.is_empty() {
            let _ = writeln!(
                page,
                "<p class=\"quiet\">{}</p>",
                from_markdown(client.note)
            );
        }
        page.push_str("</div>\n</details>\n");
    }

    fn write_tools(&self, page: &mut String) {
        let Some(tools) = &self.tools else {
            page.push_str(
                "<section>\n<h2>Tools</h2>\n<p>They are listed for callers alone.</p>\n</section>\n",
            );
            return;
        };
        page.push_str("<section>\n<h2>Tools</h2>\n");
        if tools.is_empty() {
            page.push_str("<p>There are none.</p>\n");
        } else {
            page.push_str("<dl>\n");
            for tool in tools {
                let (name, does) = (
                    text::one_line(&tool.name),
                    text::first_sentence(&tool.description),
                );
                let _ = writeln!(
                    page,
                    "<dt><code>{}</code></dt>\n<dd>{}</dd>",
                    text::html(&name),
                    text::html(&does)
                );
            }
            page.push_str("</dl>\n");
        }
        for job in self.jobs().keys() {
            let _ = writeln!(
                page,
                "<p class=\"quiet\"><code>start_{job}</code> begins work that takes long; ask \
                 <code>get_{job}_status</code> until it is over, then <code>get_{job}_result</code>.</p>"
            );
        }
        page.push_str("</section>\n");
    }
}

fn health(failing: Option<&str>) -> String {
    match failing {
        None => "<p class=\"health ready\">It is ready.</p>".to_owned(),
        Some(check) => {
            format!(
                "<p class=\"health\">It is not ready: the check <code>{check}</code> fails.</p>"
            )
        }
    }
}

/// A block with its button, which nobody sees whose browser runs no script; what it copies is said to who does not see
/// where it stands.
fn write_block(page: &mut String, id: &str, block: &str, what: &str) {
    let _ = writeln!(
        page,
        "<div class=\"block\"><pre id=\"block-{id}\">{}</pre>\
         <button type=\"button\" hidden data-copies=\"block-{id}\"><span>Copy</span><span> {what}</span></button></div>",
        text::html(block)
    );
}

/// Our own sentences, in which code stands between backticks.
fn from_markdown(sentence: &str) -> String {
    let mut html = String::new();
    for (index, part) in sentence.split('`').enumerate() {
        if index % 2 == 1 {
            let _ = write!(html, "<code>{}</code>", text::html(part));
        } else {
            html.push_str(&text::html(part));
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use super::*;

    fn accepting(value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn browsers_are_told_from_clients() {
        for value in [
            "text/html",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "application/xml, TEXT/HTML;q=0.1",
            "text/html, text/event-stream;q=0, application/json;q=0.0",
        ] {
            assert!(is_for_browsers(&accepting(value)), "{value}");
        }
        for value in [
            "",
            "*/*",
            "text/*",
            "application/json, text/event-stream",
            "text/event-stream, text/html",
            "application/json, text/html;q=0.1",
            "text/html;q=0",
            "text/htmlx",
        ] {
            assert!(!is_for_browsers(&accepting(value)), "{value}");
        }
        assert!(!is_for_browsers(&HeaderMap::new()));
        let mut client = accepting("text/html");
        client.insert("mcp-session-id", HeaderValue::from_static("1"));
        assert!(!is_for_browsers(&client));
    }

    #[test]
    fn foreign_text_is_text_on_the_page() {
        let mut server = example(Auth::Bearer);
        let hostile = "</title><script>alert(1)</script>\" onload='x' \u{202e}&lt;";
        server.title = Some(hostile.to_owned());
        server.name = hostile.to_owned();
        server.version = hostile.to_owned();
        for tool in server.tools.iter_mut().flatten() {
            tool.name = hostile.to_owned();
            tool.description = hostile.to_owned();
        }
        let page = server.page(None);
        assert_eq!(page.matches("<script").count(), 1);
        assert_eq!(page.matches("</title>").count(), 1);
        assert!(!page.contains("\" onload"), "{page}");
        assert!(!page.contains('\u{202e}'));
        assert!(page.contains("&amp;lt;"));
    }

    #[test]
    fn nothing_is_fetched_from_anywhere() {
        let page = example(Auth::Bearer).page(None);
        for attribute in ["src=", "@import", "url("] {
            assert!(!page.contains(attribute), "{attribute}");
        }
        let links = page.matches("href=\"").count();
        let own = page.matches("href=\"/").count() + page.matches("href=\"data:").count();
        assert_eq!(links, own);
    }

    #[test]
    fn a_stranger_reads_no_tool() {
        let mut server = example(Auth::Bearer);
        server.tools = None;
        let page = server.page(Some("disk"));
        assert!(
            !page.contains("render") && !page.contains("enabledTools"),
            "{page}"
        );
        assert!(page.contains("the check <code>disk</code> fails"));
    }
}
