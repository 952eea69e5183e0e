//! Routes beside `/mcp` and `/files`.

mod admin;
mod custom;
mod health;
mod page;
