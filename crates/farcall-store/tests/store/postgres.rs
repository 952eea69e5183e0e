//! The suite of every backend, on PostgreSQL.

use crate::pg::open;

farcall_store::store_suite!(open);
farcall_store::database_suite!(open);
