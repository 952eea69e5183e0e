//! The farcall servers that the benchmark makes for itself, in one program: to link it takes as
//! long as to link one of them. `BENCH_SERVER` says which one it is.

use std::env;

mod big_files;
mod many_jobs;
mod many_tools;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> farcall::Exit {
    let name = env::var("BENCH_SERVER").unwrap_or_default();
    let app = match name.as_str() {
        "big-files" => big_files::app(),
        "many-jobs" => many_jobs::app(),
        "many-tools" => many_tools::app(),
        _ => panic!("there is no server `{name}`"),
    };
    app.run()
}
