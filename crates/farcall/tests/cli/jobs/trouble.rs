//! Stores that are not there, that are another version's, or that are away.

use std::{collections::BTreeSet, fs};

use farcall::testing;

use super::place::Place;
use crate::harness::{Ended, farcall, shows};

fn list_in(folder: &std::path::Path) -> crate::harness::Typed {
    farcall(["jobs", "list", "--data-dir", folder.to_str().unwrap()])
}

/// What was said, without the name of the folder.
fn plain(mut ended: Ended, folder: &std::path::Path) -> Ended {
    ended.stderr = ended.stderr.replace(folder.to_str().unwrap(), "[FOLDER]");
    ended
}

#[test]
fn looking_makes_nothing() {
    testing::block_on(async {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data");
        shows!(plain(list_in(&folder).run().await, &folder), @r"
        exit 2
        ---- stdout
        ---- stderr
        error: there is no job store in the folder `[FOLDER]`
        hint: set `FARCALL_DATA_DIR` or `FARCALL_DATABASE_URL` to what the server has
        ");
        assert!(!folder.exists());
        fs::create_dir(&folder).unwrap();
        assert_eq!(list_in(&folder).run().await.exit, 2);
        assert_eq!(folder.read_dir().unwrap().count(), 0);
    });
}

#[test]
fn a_file_that_is_no_database() {
    testing::block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jobs.sqlite3");
        fs::write(
            &file,
            "not a database at all, and long enough to be looked at",
        )
        .unwrap();
        shows!(plain(list_in(folder.path()).run().await, folder.path()), @r"
        exit 2
        ---- stdout
        ---- stderr
        error: the job store in `[FOLDER]` cannot be opened: the job store failed: error returned from database: (code: 26) file is not a database
        hint: see that this is the data folder of a server, and run this as the user who owns it
        ");
    });
}

#[test]
fn two_places_at_once() {
    testing::block_on(async {
        let ended = farcall(["jobs", "--data-dir", "here", "list"])
            .variable(
                "FARCALL_DATABASE_URL",
                "postgres://me:s3cret@127.0.0.1:9/jobs",
            )
            .run()
            .await;
        assert!(!ended.to_string().contains("s3cret"));
        shows!(ended, @r"
        exit 2
        ---- stdout
        ---- stderr
        error: --data-dir names `here`, but the jobs are in `postgres://127.0.0.1:9/jobs`: FARCALL_DATABASE_URL is set
        hint: leave --data-dir out, or unset FARCALL_DATABASE_URL
        ");
    });
}

#[test]
fn a_database_that_is_away() {
    testing::block_on(async {
        let ended = farcall(["jobs", "list"])
            .variable(
                "FARCALL_DATABASE_URL",
                "postgres://me:s3cret@127.0.0.1:9/jobs",
            )
            .run()
            .await;
        assert!(!ended.to_string().contains("s3cret"));
        shows!(ended, @r"
        exit 2
        ---- stdout
        ---- stderr
        error: `postgres://127.0.0.1:9/jobs` cannot be looked at: the job store cannot be reached: error communicating with database: Connection refused (os error 111)
        hint: see that the server runs and takes this user, and that FARCALL_DATABASE_URL is postgres://USER:PASSWORD@HOST:PORT/DATABASE
        ");
    });
}

#[test]
fn a_configuration_that_cannot_be_read() {
    testing::block_on(async {
        let ended = farcall(["jobs", "list"])
            .variable("FARCALL_DATABASE_URL", "mysql://me:s3cret@127.0.0.1/jobs")
            // Of no interest here.
            .variable("FARCALL_SLOTS", "nonsense")
            .run()
            .await;
        assert!(!ended.to_string().contains("s3cret"));
        shows!(ended, @r"
        exit 2
        ---- stdout
        ---- stderr
        error: `FARCALL_DATABASE_URL` is no address of a PostgreSQL database
        hint: write postgres://user:password@host/database, with %2F for a `/` in the password and so on; or leave it out for a file in the data folder
        ");
    });
}

#[test]
fn what_a_server_has_open_is_neither_locked_nor_let_go() {
    testing::block_on(async {
        let place = Place::sqlite().await;
        place.enqueue(|_| {}).await;
        let lock = fs::File::open(place.folder.path().join("lock")).unwrap();
        assert_eq!(place.jobs(&["list"]).run().await.exit, 0);
        assert!(lock.try_lock().is_err(), "the server has lost its lock");
        // And without the server.
        place.store.close().await;
        let names = || {
            let entries = place.folder.path().read_dir().unwrap();
            let names = entries.map(|entry| entry.unwrap().file_name());
            names.collect::<BTreeSet<_>>()
        };
        let before = names();
        let ended = place.jobs(&["list"]).run().await;
        assert_eq!(ended.stdout.lines().count(), 2, "{ended}");
        assert!(lock.try_lock().is_ok(), "looking has taken the lock");
        assert_eq!(names(), before);
    });
}
