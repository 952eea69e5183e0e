//! `crate = …`: the facade may be somewhere else.

use farcall_core::job::{JobFunction, Pipeline};
use farcall_macros::{data, job, tool};
use serde_json::json;

use crate::called;

mod deep {
    pub(super) mod facade {
        pub(in crate::elsewhere) use crate::__private;
    }
}

#[data(crate = crate::elsewhere::deep::facade)]
struct Number {
    #[default = 4]
    n: u8,
}

/// Take a number.
#[tool(crate = crate::elsewhere::deep::facade)]
fn take(
    /// It.
    number: Number,
) -> u8 {
    number.n
}

/// Keep a number.
#[job(crate = crate::elsewhere::deep::facade)]
fn keep() -> Pipeline<Number, Number> {
    Pipeline::new().stage("keeping", |_, number| Ok(number))
}

#[tokio::test]
async fn generated_code_follows_the_path() {
    assert_eq!(
        called::<take>(json!({"number": {}})).await.unwrap(),
        json!(4)
    );
    assert_eq!(keep::job().program.total_stages(), 1);
}
