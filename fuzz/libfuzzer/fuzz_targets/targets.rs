//! The target that `FUZZ_TARGET` names.
#![no_main]

use std::sync::LazyLock;

use farcall_fuzz::{Target, target};

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").expect("`FUZZ_TARGET` names the target");
    target(&name)
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| (TARGET.run)(data));
