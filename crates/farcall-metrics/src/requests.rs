//! Requests over HTTP.

use std::time::Duration;

use crate::{
    families::{HTTP_REQUEST_SECONDS, HTTP_REQUESTS},
    number::{Counter, Histogram},
    text::Text,
};

/// Routes by how their paths begin; what is none of them is `other`, and last.
const ROUTES: [&str; 9] = [
    "/mcp",
    "/files",
    "/admin",
    "/metrics",
    "/readyz",
    "/healthz",
    "/.well-known",
    "/llms.txt",
    OTHER,
];

/// What the server answers by itself; what routes of the program's own answer besides is `other`, and last.
const STATUSES: [u16; 21] = [
    200, 202, 204, 206, 302, 304, 400, 401, 403, 404, 405, 406, 408, 409, 412, 413, 415, 416, 429,
    500, 503,
];

const OTHER: &str = "other";

/// In seconds.
const BOUNDS: &[f64] = &[
    0.000_1, 0.000_5, 0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 10.0, 30.0, 90.0,
];

/// Requests over HTTP.
#[derive(Debug)]
pub struct Requests {
    /// By route, then by status.
    answered: [[Counter; STATUSES.len() + 1]; ROUTES.len()],
    seconds: [Histogram; ROUTES.len()],
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            answered: [const { [const { Counter::new() }; STATUSES.len() + 1] }; ROUTES.len()],
            seconds: std::array::from_fn(|_| Histogram::new(BOUNDS)),
        }
    }
}

/// A route, as far as it is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route(usize);

impl Route {
    /// That of a path.
    pub fn of(path: &str) -> Self {
        let first = path.strip_prefix('/').and_then(|rest| rest.find('/'));
        let first = first.map_or(path, |end| &path[..=end]);
        let known = ROUTES.iter().position(|route| *route == first);
        Self(match (known, first) {
            (Some(route), _) => route,
            (None, "/health") => 5,
            (None, _) => ROUTES.len() - 1,
        })
    }
}

impl Requests {
    /// Counts a request that was answered with `status` after this time.
    pub fn count(&self, Route(route): Route, status: u16, took: Duration) {
        let status = STATUSES.binary_search(&status).unwrap_or(STATUSES.len());
        self.answered[route][status].add(1);
        self.seconds[route].observe(took);
    }

    pub(crate) fn write(&self, text: &mut Text) {
        text.family(&HTTP_REQUESTS);
        for (route, answered) in ROUTES.iter().zip(&self.answered) {
            for (index, counter) in answered.iter().enumerate() {
                let count = counter.get();
                let status = STATUSES.get(index);
                let is_error = status.is_some_and(|status| *status >= 500);
                // Of a first error that comes with its number, no alert could make a rate.
                if count == 0 && !is_error {
                    continue;
                }
                let status = status.map_or_else(|| OTHER.to_owned(), u16::to_string);
                text.value(&HTTP_REQUESTS, &[route, &status], count);
            }
        }
        text.family(&HTTP_REQUEST_SECONDS);
        for (route, seconds) in ROUTES.iter().zip(&self.seconds) {
            text.histogram(&HTTP_REQUEST_SECONDS, &[route], seconds);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_by_its_first_part_alone() {
        for (path, route) in [
            ("/mcp", "/mcp"),
            ("/files/ab/c.txt", "/files"),
            ("/admin/jobs/1/retry", "/admin"),
            ("/health", "/healthz"),
            ("/.well-known/oauth-protected-resource/mcp", "/.well-known"),
            ("/mcpx", OTHER),
            ("/", OTHER),
            ("", OTHER),
            ("*", OTHER),
            ("//mcp", OTHER),
            ("other", OTHER),
        ] {
            assert_eq!(ROUTES[Route::of(path).0], route, "{path}");
        }
    }

    #[test]
    fn statuses_are_searched_in_their_order() {
        assert!(STATUSES.is_sorted());
    }
}
