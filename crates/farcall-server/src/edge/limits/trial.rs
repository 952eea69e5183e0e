//! What becomes of a credential, as told by whoever verifies it: an answer does not say it, because some
//! are given to everybody.

use std::sync::{Arc, OnceLock};

use http::Extensions;

/// An extension of a request whose credential is being tried.
#[derive(Clone, Default)]
pub(crate) struct Trial(Arc<OnceLock<bool>>);

impl Trial {
    /// Says of the request with these extensions whether its credential was right; what is said first counts.
    pub(crate) fn tell(extensions: &Extensions, was_right: bool) {
        if let Some(Self(told)) = extensions.get() {
            let _ = told.set(was_right);
        }
    }

    /// Whether it was right, where anybody has looked.
    pub(in crate::edge) fn told(&self) -> Option<bool> {
        self.0.get().copied()
    }
}
