//! Faults that the compiler can see: each file under `fail/` is one, and is named by it.

#[test]
fn every_fault_is_a_compile_error_with_a_hint() {
    trybuild::TestCases::new().compile_fail("tests/fail/*.rs");
}
