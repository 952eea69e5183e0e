//! Makes a module of the Rust that each of some pages shows, for `tests/pages/rust.rs` to compile.
//!
//! | a block | becomes |
//! | --- | --- |
//! | that ends with an item | the same items |
//! | with tests | a module of its own, as the page says |
//! | that ends with an expression, or with a semicolon | the body of a function |

use std::{env, fmt::Write as _, fs, path::Path};

/// The modules, and their pages seen from this crate.
const PAGES: [(&str, &str); 5] = [
    ("from_fastmcp", "../docs/guide/migrate-fastmcp.md"),
    ("jobs", "../docs/concepts/jobs.md"),
    ("questions", "../docs/concepts/questions.md"),
    ("readme", "../README.md"),
    ("rust_app", "../docs/guide/rust-app.md"),
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let folder = env::var("OUT_DIR").expect("cargo says where");
    for (name, page) in PAGES {
        println!("cargo::rerun-if-changed={page}");
        let text = fs::read_to_string(page).expect("the page is in the repository");
        let place = Path::new(&folder).join(name).with_extension("rs");
        fs::write(place, module(&text)).expect("cargo has made the folder");
    }
}

/// All Rust of a page, as a module.
fn module(page: &str) -> String {
    let mut module = String::new();
    for (number, block) in blocks(page).iter().enumerate() {
        let written = if block.contains("#[test]") {
            write!(
                module,
                "mod tests_{number} {{\nuse super::*;\n{block}}}\n\n"
            )
        } else if block.trim_end().ends_with('}') {
            writeln!(module, "{block}")
        } else {
            write!(
                module,
                "fn part_{number}() {{\nlet _ = {{\n{block}}};\n}}\n\n"
            )
        };
        written.expect("a text takes all");
    }
    module
}

/// The blocks of Rust.
fn blocks(page: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line == "```rust" {
            let block = lines.by_ref().take_while(|line| *line != "```");
            let block: Vec<_> = block.collect();
            blocks.push(block.join("\n") + "\n");
        }
    }
    blocks
}
