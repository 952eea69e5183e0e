//! What jobs are kept in.

use farcall::App;

use super::Setup;

/// Where a server of a test has its jobs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Engine {
    /// In a database of its own, on one server for all tests.
    #[cfg(feature = "postgres-tests")]
    Postgres,
    /// In its data folder.
    Sqlite,
}

impl Engine {
    /// An `App` that keeps its jobs there.
    pub(crate) fn setup(self, app: App) -> Setup {
        let setup = Setup::new(app);
        match self {
            #[cfg(feature = "postgres-tests")]
            Self::Postgres => setup.with("FARCALL_DATABASE_URL", &new_database()),
            Self::Sqlite => setup,
        }
    }
}

#[cfg(feature = "postgres-tests")]
fn new_database() -> String {
    use std::sync::LazyLock;

    use farcall_testpg::{Cluster, Durability};

    static SERVER: LazyLock<Cluster> = LazyLock::new(|| Cluster::start(Durability::None));
    SERVER.new_database()
}

/// A test for each engine; `postgres` is in the names of those that need a server.
macro_rules! on_each_engine {
    ($($(#[$meta:meta])* async fn $name:ident($engine:ident: Engine) $body:block)*) => {
        $($(#[$meta])* async fn $name($engine: Engine) $body)*

        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::harness::Engine::Sqlite).await;
            })*
        }

        #[cfg(feature = "postgres-tests")]
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::harness::Engine::Postgres).await;
            })*
        }
    };
}
pub(crate) use on_each_engine;
