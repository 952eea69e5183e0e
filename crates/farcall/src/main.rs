//! The `farcall` binary: a shim over the library.

fn main() -> farcall::Exit {
    farcall::run_binary(std::env::args_os())
}
