//! The server of the tests with several machines.

fn main() -> farcall::Exit {
    farcall_acceptance::bakery::app().run()
}
