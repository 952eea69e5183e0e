//! What operators see of everybody's jobs, and what they do with them: the same beside a server, in
//! its store, and from afar, over HTTP. The names are those of the contract.

mod retry;
mod seen;
mod view;

pub use self::{
    retry::{NotFailed, retry},
    seen::Seen,
    view::{JobView, Moment},
};
