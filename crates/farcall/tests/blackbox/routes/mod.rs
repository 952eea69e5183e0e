//! Routes beside `/mcp` and `/files`.

mod custom;
mod health;
