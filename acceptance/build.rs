//! Makes a module of the Rust that `docs/guide/rust-app.md` shows, for `tests/pages/rust.rs` to compile.
//!
//! | a block | becomes |
//! | --- | --- |
//! | that ends with an item | the same items |
//! | with tests | a module of its own, as the page says |
//! | that ends with an expression, or with a semicolon | the body of a function |

use std::{env, fmt::Write as _, fs, path::Path};

/// The page, seen from this crate.
const PAGE: &str = "../docs/guide/rust-app.md";

fn main() {
    println!("cargo::rerun-if-changed={PAGE}");
    println!("cargo::rerun-if-changed=build.rs");
    let page = fs::read_to_string(PAGE).expect("the page is in the repository");
    let mut module = String::new();
    for (number, block) in blocks(&page).iter().enumerate() {
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
    let folder = env::var("OUT_DIR").expect("cargo says where");
    fs::write(Path::new(&folder).join("rust_app.rs"), module).expect("cargo has made the folder");
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
