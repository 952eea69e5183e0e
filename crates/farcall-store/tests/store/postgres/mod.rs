//! PostgreSQL: the suite of every backend, and what is special about a server that several
//! processes share and that may be gone.

mod claims;
mod clock;
mod migrations;
mod outages;
mod server;
mod shared;

use crate::pg::open;

farcall_store::store_suite!(open);
farcall_store::database_suite!(open);
