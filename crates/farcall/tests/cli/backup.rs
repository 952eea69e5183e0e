//! `farcall backup`, as people type it. What a backup holds is tried in `acceptance/tests/crash`.

use std::{fs, path::Path};

use farcall::testing;

use crate::{
    harness::{Ended, Typed, farcall, shows},
    jobs::place::Place,
};

fn backup(data: &Path, arguments: &[&str]) -> Typed {
    let typed = farcall(["backup"]).arguments(arguments);
    typed.variable("FARCALL_DATA_DIR", data.to_str().unwrap())
}

/// A store with one job, and the folder of files that a server makes beside it.
async fn one_job() -> Place {
    let place = Place::sqlite().await;
    fs::create_dir(place.folder.path().join("artifacts")).unwrap();
    place.enqueue(|_| {}).await;
    place
}

/// What was said, without the names of folders.
fn plain(mut ended: Ended, parent: &Path) -> Ended {
    let parent = parent.to_str().unwrap();
    ended.stdout = ended.stdout.replace(parent, "[FOLDER]");
    ended.stderr = ended.stderr.replace(parent, "[FOLDER]");
    ended
}

#[test]
fn it_says_what_it_holds_and_how_to_restore_it() {
    testing::block_on(async {
        let place = one_job().await;
        let parent = tempfile::tempdir().unwrap();
        let to = parent.path().join("copy");
        let to = to.to_str().unwrap();
        let ended = backup(place.folder.path(), &["--to", to]).run().await;
        shows!(plain(ended, parent.path()), @r"
        exit 0
        ---- stdout
        [FOLDER]/copy: 1 job, 1 not over, 0 files, 164.0 KiB
        ---- stderr
        to restore it, start a server with FARCALL_DATA_DIR=[FOLDER]/copy
        ");

        let again = backup(place.folder.path(), &["--to", to]).run().await;
        shows!(plain(again, parent.path()), @r"
        exit 2
        ---- stdout
        ---- stderr
        error: `[FOLDER]/copy` is there already
        hint: a backup is never written over anything: name a folder that is not there yet
        ");

        let json = parent.path().join("other");
        let arguments = ["--json", "--to", json.to_str().unwrap()];
        let ended = backup(place.folder.path(), &arguments).run().await;
        shows!(plain(ended, parent.path()), @r#"
        exit 0
        ---- stdout
        {"ok":true,"folder":"[FOLDER]/other","jobs":1,"unfinished":1,"files":0,"bytes":167936,"damaged":[]}
        ---- stderr
        to restore it, start a server with FARCALL_DATA_DIR=[FOLDER]/other
        "#);
        place.store.close().await;
    });
}

#[test]
fn what_cannot_be_backed_up_is_refused_with_a_sentence() {
    testing::block_on(async {
        let parent = tempfile::tempdir().unwrap();
        let (data, to) = (parent.path().join("data"), parent.path().join("copy"));
        let to = to.to_str().unwrap();
        let nothing = backup(&data, &["--to", to]).run().await;
        shows!(plain(nothing, parent.path()), @r"
        exit 2
        ---- stdout
        ---- stderr
        error: there is no job store in the folder `[FOLDER]/data`
        hint: set `FARCALL_DATA_DIR` or `FARCALL_DATABASE_URL` to what the server has
        ");

        let database = "postgres://me:s3cret@127.0.0.1:9/jobs";
        let elsewhere = backup(&data, &["--to", to]).variable("FARCALL_DATABASE_URL", database);
        shows!(plain(elsewhere.run().await, parent.path()), @r"
        exit 2
        ---- stdout
        ---- stderr
        error: the jobs are in `postgres://127.0.0.1:9/jobs`, and a backup is of a data folder
        hint: first pg_dump for the records, then the means of the bucket or the disk for the files
        ");

        let place = one_job().await;
        let inside = place.folder.path().join("copy");
        let ended = backup(place.folder.path(), &["--to", inside.to_str().unwrap()]);
        shows!(plain(ended.run().await, place.folder.path()), @r"
        exit 2
        ---- stdout
        ---- stderr
        error: `[FOLDER]/copy` would be in the data folder, and lost with it
        hint: name a folder elsewhere, best on another disk
        ");

        let nowhere = parent.path().join("missing/copy");
        let ended = backup(place.folder.path(), &["--to", nowhere.to_str().unwrap()]);
        shows!(plain(ended.run().await, parent.path()), @r"
        exit 2
        ---- stdout
        ---- stderr
        error: the folder `[FOLDER]/missing` cannot be used: No such file or directory (os error 2)
        hint: the backup is made in it, so it has to be there
        ");

        let unnamed = backup(place.folder.path(), &[]).run().await;
        shows!(unnamed, @r"
        exit 2
        ---- stdout
        ---- stderr
        error: the following required arguments were not provided:
          --to <FOLDER>

        Usage: farcall backup --to <FOLDER>

        For more information, try '--help'.
        ");
        place.store.close().await;
        // Nothing of any of them is left.
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    });
}
