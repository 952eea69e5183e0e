//! The seam for authenticators of a program's own.

use async_trait::async_trait;
use farcall_core::{principal::Principal, problem::Problem};

/// Says who the bearer of a token is; the guide's `TokenVerifier`.
///
/// The principal it returns owns the jobs that are started with the token, and their files.
/// Compare secrets in constant time, and keep tokens out of logs.
#[async_trait]
pub trait TokenVerifier: Send + Sync {
    /// The bearer of `token`, or `None` where it is not known; then the next verifier is asked.
    ///
    /// # Errors
    /// A problem where the token cannot be judged at the moment; the caller is told to come again.
    async fn verify(&self, token: &str) -> Result<Option<Principal>, Problem>;
}
