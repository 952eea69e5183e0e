//! The program's own routes, checked before the server starts.

use axum::{Router, routing::MethodRouter};
use farcall_core::{
    catalog::{Fault, Faults},
    panic,
};

/// Paths that the server answers by itself, and everything below them.
const OURS: [&str; 9] = [
    "/.well-known",
    "/admin",
    "/files",
    "/health",
    "/healthz",
    "/llms.txt",
    "/mcp",
    "/metrics",
    "/readyz",
];

/// Routes by path, in the order they were registered.
#[derive(Clone, Default)]
pub(crate) struct Routes {
    pub(crate) gated: Vec<(String, MethodRouter)>,
    pub(crate) public: Vec<(String, MethodRouter)>,
}

impl Routes {
    /// All paths, in the order they were registered.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        let all = self.gated.iter().chain(&self.public);
        all.map(|(path, _)| path.as_str())
    }

    /// Everything that is wrong with the paths.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut tried = Router::new();
        for (path, handler) in self.gated.iter().chain(&self.public) {
            let reason = if is_ours(path) {
                Some("the server answers this path by itself; choose another".to_owned())
            } else {
                // The router knows best which paths it takes, and says so by a panic.
                let (router, handler) = (tried.clone(), handler.clone());
                match panic::contain(|| Ok(router.route(path, handler))) {
                    Ok(router) => {
                        tried = router;
                        None
                    }
                    Err(problem) => Some(said(&problem)),
                }
            };
            let subject = format!("route `{}`", path.escape_debug());
            faults.extend(reason.map(|reason| Fault { subject, reason }));
        }
        faults
    }

    /// The gated and the public ones, as routers.
    ///
    /// # Errors
    /// [`Faults`] where [`faults`](Self::faults) would list any.
    pub(crate) fn routers(self) -> Result<(Router, Router), Faults> {
        let faults = self.faults();
        if !faults.is_empty() {
            return Err(Faults(faults));
        }
        let routed = |routes: Vec<(String, MethodRouter)>| {
            routes
                .into_iter()
                .fold(Router::new(), |router, (path, handler)| {
                    router.route(&path, handler)
                })
        };
        Ok((routed(self.gated), routed(self.public)))
    }
}

fn is_ours(path: &str) -> bool {
    OURS.iter().any(|ours| {
        let rest = path.strip_prefix(ours);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

fn said(problem: &farcall_core::problem::Problem) -> String {
    let cause = problem.cause().map(ToString::to_string).unwrap_or_default();
    let sentence = cause
        .split_once(": ")
        .map_or(cause.as_str(), |(_, sentence)| sentence);
    format!("the router does not take it: {sentence}")
}
