//! Panics of user code, contained: they end the call or the job, never the server.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook},
    sync::Once,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;

use crate::problem::Problem;

/// A panic of user code, with the place where it happened; for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("panicked at {location}: {message}")]
pub struct Panicked {
    /// Source file, line and column, or `unknown`.
    pub location: String,
    /// What the panic said.
    pub message: String,
}

thread_local! {
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `code`; a panic in it becomes an internal problem with its location as the cause.
///
/// # Errors
/// Whatever `code` returns, or an [`Internal`](crate::problem::ErrorCode::Internal) problem.
pub fn contain<T>(code: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
    remember_locations();
    let outer = CONTAINED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(code));
    CONTAINED.set(outer);
    // Code that panics has a fault, and would have it again.
    outcome.unwrap_or_else(|payload| Err(Problem::internal(panicked(payload.as_ref())).no_retry()))
}

/// The same as [`contain`] for a future: a panic in any of its steps ends it with a problem.
///
/// # Errors
/// Whatever the future returns, or an [`Internal`](crate::problem::ErrorCode::Internal) problem.
pub async fn contain_async<T>(
    mut future: BoxFuture<'static, Result<T, Problem>>,
) -> Result<T, Problem> {
    std::future::poll_fn(move |task: &mut Context<'_>| {
        match contain(|| Ok(future.as_mut().poll(task))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(outcome)) => Poll::Ready(outcome),
            Err(problem) => Poll::Ready(Err(problem)),
        }
    })
    .await
}

fn panicked(payload: &(dyn Any + Send)) -> Panicked {
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    let location = LOCATION.take().unwrap_or_else(|| "unknown".to_owned());
    Panicked { location, message }
}

/// Keeps the place of a contained panic, which its payload does not carry, and leaves every
/// other panic to the hook that was there before.
fn remember_locations() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic: &PanicHookInfo<'_>| {
            if CONTAINED.get() {
                LOCATION.set(panic.location().map(ToString::to_string));
            } else {
                before(panic);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn cause(outcome: Result<(), Problem>) -> String {
        outcome.unwrap_err().cause().unwrap().to_string()
    }

    #[test]
    fn a_panic_becomes_a_problem_with_its_location() {
        let cause = cause(contain(|| panic!("{} wrong", "all")));
        assert!(
            cause.contains("panic.rs:") && cause.ends_with("all wrong"),
            "{cause}"
        );
    }

    #[test]
    fn a_panic_in_a_future_becomes_a_problem() {
        let outcome = contain_async(Box::pin(async { panic!("late") })).now_or_never();
        assert!(cause(outcome.unwrap()).ends_with("late"));
    }
}
