//! `farcall token`, on each engine.

use farcall_store::TokenId;
use serde_json::Value;

use crate::{
    harness::{Ended, farcall, shows},
    jobs::place::{Place, on_each_engine},
};

/// The token that a verb printed, which is all that it printed.
fn printed(ended: &Ended) -> String {
    let token = ended.stdout.strip_suffix('\n').unwrap().to_owned();
    assert!(TokenId::within(&token).is_some(), "{ended}");
    assert!(!ended.stderr.contains(&token[16..]), "the talk repeats it");
    token
}

fn of(token: &str) -> String {
    token[..15].to_owned()
}

on_each_engine! {
    async fn a_token_is_all_that_stdout_says(place: &Place) {
        let flags = ["--tools", "add,get_*", "--max-jobs", "3", "--expires", "90d"];
        let ended = place.token(&["create", "ci"]).arguments(&flags).run().await;
        printed(&ended);
        shows!(ended, @r"
        exit 0
        ---- stdout
        [TOKEN]
        ---- stderr
        caller `ci`: scopes call; tools add,get_*; at most 3 open jobs; its token ends in [SPAN]
        the token is shown this once; nobody can read it again
        this is the first caller: within a second, servers that use this store refuse requests without a credential
        ");
        let ended = place.token(&["create", "root", "--scopes", "call,admin", "--json"]).run().await;
        shows!(ended, @r#"
        exit 0
        ---- stdout
        {"name":"root","id":"[ID]","token":"[TOKEN]"}
        ---- stderr
        caller `root`: scopes admin,call; tools all
        the token is shown this once; nobody can read it again
        "#);
    }

    async fn the_store_has_no_token_and_its_digest(place: &Place) {
        let ended = place.token(&["create", "ci"]).run().await;
        let token = printed(&ended);
        let callers = place.store.callers().await.unwrap().callers;
        let kept = &callers[0].tokens[0];
        let digest = farcall_core::artifact::hexadecimal(&kept.digest);
        assert_eq!(digest, sha256(&token));
        assert_eq!(format!("{:#}", kept.id), of(&token));
        let listed = place.token(&["list"]).run().await;
        let as_json = place.token(&["list", "--json"]).run().await;
        for ended in [listed, as_json] {
            assert!(!ended.stdout.contains(&token[16..]) && !ended.stdout.contains(&digest));
        }
    }

    async fn a_name_that_is_taken_is_refused_with_both_ways_on(place: &Place) {
        place.token(&["create", "ci"]).run().await;
        shows!(place.token(&["create", "ci"]).run().await, @r"
        exit 1
        ---- stdout
        ---- stderr
        error: there is a caller `ci` already
        hint: `token rotate ci` gives it another token; `token revoke ci` ends those it has, and then it can be made again with other rights
        ");
    }

    async fn every_token_has_a_line(place: &Place) {
        shows!(place.token(&["list"]).run().await, @r"
        exit 0
        ---- stdout
        ---- stderr
        there are no callers; `token create NAME` makes the first one
        ");
        let flags = ["--tools", "get_*", "--max-jobs", "3"];
        place.token(&["create", "lab", "--expires", "10d"]).arguments(&flags).run().await;
        let first = printed(&place.token(&["create", "ci"]).run().await);
        place.token(&["rotate", "ci"]).run().await;
        place.token(&["revoke", &of(&first)]).run().await;
        let lines = place.token(&["list"]).run().await.stdout;
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let [head, before, after, lab] = &lines.lines().map(words).collect::<Vec<_>>()[..] else {
            panic!("{lines}");
        };
        assert_eq!(head.join(" "), "NAME TOKEN STATE AGE USED ENDS JOBS SCOPES TOOLS");
        assert_eq!([&before[0], &before[1], &before[2]], ["ci", &of(&first), "revoked"]);
        assert_eq!([&after[2], &after[4], &after[5], &after[6]], ["live", "-", "-", "-"]);
        assert_eq!([&lab[0], &lab[6], &lab[7], &lab[8]], ["lab", "3", "call", "get_*"]);
        assert!(lab[5].contains('d'), "{lab:?}");
        let listed = place.token(&["list", "--json"]).run().await;
        let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
        let [ci, lab] = &listed["callers"].as_array().unwrap()[..] else {
            panic!("{listed}");
        };
        assert_eq!((&ci["name"], &ci["tools"], &ci["max_jobs"]), (&"ci".into(), &Value::Null, &Value::Null));
        assert_eq!((&lab["tools"], &lab["max_jobs"]), (&serde_json::json!(["get_*"]), &3.into()));
        assert_eq!(ci["tokens"][0]["state"], "revoked");
        assert_eq!(ci["tokens"][1]["state"], "live");
        assert!(lab["tokens"][0]["expires_at"].is_string());
        assert!(lab["tokens"][0]["last_used_at"].is_null());
    }

    async fn a_rotation_prints_another_token_and_says_when_the_others_end(place: &Place) {
        let first = printed(&place.token(&["create", "ci"]).run().await);
        let ended = place.token(&["rotate", "ci"]).run().await;
        assert_ne!(printed(&ended), first);
        shows!(ended, @r"
        exit 0
        ---- stdout
        [TOKEN]
        ---- stderr
        every earlier token of `ci` ends in [SPAN] at the latest
        the token is shown this once; nobody can read it again
        ");
        shows!(place.token(&["rotate", "ci", "--overlap", "0s"]).run().await, @r"
        exit 0
        ---- stdout
        [TOKEN]
        ---- stderr
        every earlier token of `ci` is over
        the token is shown this once; nobody can read it again
        ");
        shows!(place.token(&["rotate", "lab"]).run().await, @r"
        exit 1
        ---- stdout
        ---- stderr
        error: there is no caller `lab`
        hint: `token list` has those there are, `token create` makes one
        ");
    }

    async fn what_is_revoked_is_named(place: &Place) {
        let first = printed(&place.token(&["create", "ci"]).run().await);
        let second = printed(&place.token(&["rotate", "ci"]).run().await);
        // Also by all of it, as somebody finds it in a log.
        shows!(place.token(&["revoke", &first]).run().await, @r"
        exit 0
        ---- stdout
        fc_[ID] ci is revoked
        ---- stderr
        every server refuses what is revoked within a second; jobs that were started go on
        ");
        let ended = place.token(&["revoke", "ci", "--json"]).run().await;
        let revoked: Value = serde_json::from_str(&ended.stdout).unwrap();
        let expected = serde_json::json!({"revoked": [{"name": "ci", "id": second[3..15]}]});
        assert_eq!(revoked, expected);
        shows!(place.token(&["revoke", "ci"]).run().await, @r"
        exit 0
        ---- stdout
        ---- stderr
        nothing was left to revoke
        ");
        shows!(place.token(&["revoke", "fc_000000000000"]).run().await, @r"
        exit 1
        ---- stdout
        ---- stderr
        error: there is no token `fc_[ID]`
        hint: `token list` has those there are
        ");
        // Now the name is free for its caller, with other rights.
        let again = place.token(&["create", "ci", "--tools", "add"]).run().await;
        printed(&again);
    }
}

fn sha256(text: &str) -> String {
    use sha2::Digest;

    farcall_core::artifact::hexadecimal(&sha2::Sha256::digest(text))
}

#[test]
fn wrong_usage_is_told_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let (long, excerpt) = ("x".repeat(5_000), format!("`{}…`:", "x".repeat(80)));
    for (arguments, reason) in [
        (&["create", "Ci"][..], "no caller can be called `Ci`"),
        (&["create", &long], excerpt.as_str()),
        (&["create", "bearer"], "callers without a name"),
        (&["create", "fc_ci"], "begins a token"),
        (
            &["create", "ci", "--tools", "a b"],
            "in a way in which no tool is",
        ),
        (
            &["create", "ci", "--tools", ""],
            "in a way in which no tool is",
        ),
        (
            &["create", "ci", "--scopes", "root"],
            "the scopes are `call` and `admin`",
        ),
        (&["create", "ci", "--expires", "0s"], "for example 90d"),
        (&["create", "ci", "--expires", "soon"], "for example 90d"),
        (&["create", "ci", "--expires", "-1d"], "for example 90d"),
        (&["create", "ci", "--max-jobs", "0"], "0 is not in 1.."),
        (&["create", "ci", "--max-jobs", "-1"], "-1 is not in 1.."),
        (&["rotate", "ci", "--overlap", "-1h"], "for example 24h"),
        (&["rotate", "ci", "--overlap", "1w"], "for example 24h"),
        (&["create"], "<NAME>"),
    ] {
        let typed = farcall(["token"]).arguments(arguments);
        let typed = typed.variable(
            "FARCALL_DATA_DIR",
            folder.path().join("data").to_str().unwrap(),
        );
        let ended = typed.ended();
        assert_eq!(ended.exit, 2, "{ended}");
        assert!(ended.stderr.contains(reason), "{arguments:?}: {ended}");
        assert_eq!(ended.stdout, "");
    }
}

#[test]
fn a_caller_can_be_named_before_there_is_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let token = |arguments: &[&str]| {
        let typed = farcall(["token"]).arguments(arguments);
        typed
            .variable("FARCALL_DATA_DIR", data.to_str().unwrap())
            .ended()
    };
    // Whoever only looks makes nothing.
    assert_eq!(token(&["list"]).exit, 2);
    assert!(!data.exists());
    printed(&token(&["create", "ci"]));
    assert!(token(&["list"]).stdout.contains("live"));
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &data.join("jobs.sqlite3").metadata().unwrap().permissions(),
    );
    assert_eq!(mode & 0o077, 0, "others may read who calls");
}
