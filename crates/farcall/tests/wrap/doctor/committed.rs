//! Secrets that are in git, or would be with the next commit.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use super::{FARM, Seen, TOKEN, machine};
use crate::harness::Project;

#[tokio::test]
async fn secrets_that_are_in_git() {
    let project = Project::new(FARM);
    let private = |name: &str, text: String| {
        fs::write(project.path(name), text).unwrap();
        fs::set_permissions(project.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    };
    private(".env", format!("MCP_BEARER_TOKEN={TOKEN}\n"));
    git(&project.path(""), &["init", "-q"]);
    let seen = machine(&project).run().await;
    seen.says(
        "secrets",
        "warning",
        "`.env` is not ignored",
        "echo .env >> .gitignore",
    );
    // It is ignored, and its value stands elsewhere.
    private(".gitignore", ".env\n".to_owned());
    private(
        "deploy.sh",
        format!("curl -H 'Authorization: Bearer {TOKEN}'\n"),
    );
    git(&project.path(""), &["add", "-A"]);
    let seen = machine(&project).run().await;
    seen.is_broken_at(
        "secrets",
        "`MCP_BEARER_TOKEN` stands in `deploy.sh`",
        "make a new one",
    );
    // It is in there itself.
    git(&project.path(""), &["rm", "-q", "--cached", "deploy.sh"]);
    git(&project.path(""), &["add", "-f", ".env"]);
    let seen = machine(&project).run().await;
    seen.is_broken_at("secrets", "`.env` is in git", "git rm --cached .env");
}

#[tokio::test]
async fn the_address_of_a_database_in_git_is_no_leak_and_its_password_is() {
    let farm = FARM.replace(
        "[server]\n",
        "[server]\ndatabase_url = \"postgres://127.0.0.1:1/farm\"\n",
    );
    let project = Project::new(&farm);
    git(&project.path(""), &["init", "-q"]);
    fs::write(project.path(".gitignore"), ".env\n.farcall\n").unwrap();
    git(&project.path(""), &["add", "-A"]);
    let seen = machine(&project).run().await;
    seen.says("secrets", "ok", "no secret of the configuration", "");
    // The address is in no file, and a password of it is: the one that counts, or one that another wins over.
    fs::write(
        project.path("deploy.sh"),
        format!("export PGPASSWORD={TOKEN}\n"),
    )
    .unwrap();
    git(&project.path(""), &["add", "-A"]);
    let look = |place: String| {
        let address = format!("postgres://{place}");
        machine(&project)
            .variable("FARCALL_DATABASE_URL", &address)
            .run()
    };
    let (alone, before, first, last) = tokio::join!(
        look(format!("farm:{TOKEN}@127.0.0.1:1/farm")),
        look(format!("farm:{TOKEN}@127.0.0.1:1/farm?password=other")),
        look(format!("127.0.0.1:1/farm?password={TOKEN}&password=other")),
        look(format!("127.0.0.1:1/farm?password=other&password={TOKEN}")),
    );
    for seen in [alone, before, first, last] {
        seen.says(
            "secrets",
            "broken",
            "the password in `FARCALL_DATABASE_URL` stands in `deploy.sh`",
            "make a new one",
        );
    }
}

#[tokio::test]
async fn what_is_staged_is_searched_also_where_the_file_is_another_by_now() {
    let project = Project::new(FARM);
    let folder = project.path("");
    let here = || machine(&project).variable("MCP_BEARER_TOKEN", TOKEN);
    git(&folder, &["init", "-q"]);
    fs::write(project.path(".gitignore"), ".env\n.farcall\n").unwrap();
    fs::write(project.path("deploy.sh"), format!("token={TOKEN}\n")).unwrap();
    git(&folder, &["add", ".gitignore", "deploy.sh"]);
    fs::write(project.path("deploy.sh"), "token=$TOKEN\n").unwrap();
    let staged = "`MCP_BEARER_TOKEN` stands in `deploy.sh` as it is staged";
    here()
        .run()
        .await
        .is_broken_at("secrets", staged, "make a new one");
    fs::remove_file(project.path("deploy.sh")).unwrap();
    here()
        .run()
        .await
        .is_broken_at("secrets", staged, "make a new one");
    // What is neither here nor said to differ is not called clean.
    git(&folder, &["update-index", "--skip-worktree", "deploy.sh"]);
    let seen = here().run().await;
    seen.says(
        "secrets",
        "unverified",
        "1 of the files that git has here could not be read",
        "",
    );
    let is_clean =
        |found: &serde_json::Value| found["check"] == "secrets" && found["level"] == "ok";
    assert!(!seen.findings.iter().any(is_clean), "{}", seen.all());
}

#[tokio::test]
async fn an_env_in_git_is_told_also_where_git_cannot_say_the_rest() {
    let project = Project::new(FARM);
    fs::write(project.path(".env"), format!("MCP_BEARER_TOKEN={TOKEN}\n")).unwrap();
    git(&project.path(""), &["init", "-q"]);
    git(&project.path(""), &["add", "-f", ".env"]);
    let seen = machine(&project)
        .variable("FARCALL_DATA_DIR", ":(nonsense)data")
        .run()
        .await;
    seen.says(
        "secrets",
        "broken",
        "`.env` is in git",
        "git rm --cached .env",
    );
    seen.says("secrets", "unverified", "git fails", "git status");
}

#[tokio::test]
async fn what_git_does_not_tell_is_not_said_to_be_clean() {
    let project = Project::new(FARM);
    let folder = project.path("");
    let here = || machine(&project).variable("MCP_BEARER_TOKEN", TOKEN);
    let not_clean = |seen: &Seen, finding: &str| {
        seen.says("secrets", "unverified", finding, "");
        let is_clean =
            |found: &serde_json::Value| found["check"] == "secrets" && found["level"] == "ok";
        assert!(!seen.findings.iter().any(is_clean), "{}", seen.all());
    };
    not_clean(&here().run().await, "in no repository of git");
    git(&folder, &["init", "-q"]);
    fs::write(project.path(".gitignore"), ".env\n.farcall\n").unwrap();
    git(&folder, &["add", ".gitignore"]);
    here()
        .run()
        .await
        .says("secrets", "ok", "the first MiB of each", "");
    // There are more files than are searched, all of them the same one.
    let blob = Command::new("git")
        .args(["hash-object", "-w", ".gitignore"])
        .current_dir(&folder)
        .output()
        .unwrap();
    let blob = String::from_utf8(blob.stdout).unwrap();
    let lines: Vec<_> = (0..20_005)
        .map(|index| format!("100644 {} 0\tfile-{index}\n", blob.trim()))
        .collect();
    fs::write(project.path("index-info"), lines.concat()).unwrap();
    let added = Command::new("git")
        .args(["update-index", "--index-info"])
        .current_dir(&folder)
        .stdin(fs::File::open(project.path("index-info")).unwrap())
        .status();
    assert!(added.unwrap().success());
    not_clean(&here().run().await, "first 20000 files of the 20006");
    // Somebody has leaked it, and git cannot say so.
    fs::write(project.path("leak.sh"), format!("token={TOKEN}\n")).unwrap();
    git(&folder, &["add", "leak.sh"]);
    fs::write(project.path(".git/index"), "torn").unwrap();
    not_clean(&here().run().await, "git fails");
}

fn git(folder: &Path, arguments: &[&str]) {
    let run = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(run.status.success(), "{run:?}");
}
