//! Short text files in the result.

use farcall::{Job, JobContext, Pipeline, Problem, Value, json};

use crate::{
    harness::{Client, Setup},
    offers::{count, ended, result, started, tools},
    tasks::exposed,
};

/// The job `write`, which leaves these files.
fn write<const N: usize>(files: [(&'static str, &'static [u8]); N]) -> Job {
    let pipeline = Pipeline::new().stage("writing", move |ctx: &JobContext, _: Value| {
        for (name, bytes) in &files {
            ctx.write_artifact(name, bytes)?;
        }
        Ok::<_, Problem>(json!({"files": N}))
    });
    let mut job = Job::new("write", "Write files.", pipeline);
    job.input_schema = farcall_core::schema::empty_object();
    exposed(job).with(|options| options.inline_text = true)
}

async fn texts(client: &Client) -> Vec<(String, Option<String>)> {
    let id = started(client, "write", json!({})).await;
    ended(client, "write", &id).await;
    let left = result(client, "write", &id).await.structured();
    let files = left["artifacts"].as_array().unwrap().iter();
    let text = |file: &Value| {
        let text = file
            .get("text")
            .map(|text| text.as_str().unwrap().to_owned());
        (file["name"].as_str().unwrap().to_owned(), text)
    };
    files.map(text).collect()
}

fn of(name: &str, text: Option<&str>) -> (String, Option<String>) {
    (name.to_owned(), text.map(str::to_owned))
}

#[tokio::test]
async fn text_stands_in_the_result_and_nothing_else_does() {
    let job = write([
        ("a.md", "# Tëa".as_bytes()),
        ("b.csv", b"a,b\n"),
        ("c.json", b"{}"),
        ("d.png", b"text by chance"),
        ("e.txt", b"no \xff text"),
    ]);
    let server = Setup::new(tools().add_job(job)).start().await;
    assert_eq!(
        texts(&server).await,
        [
            of("a.md", Some("# Tëa")),
            of("b.csv", Some("a,b\n")),
            of("c.json", Some("{}")),
            of("d.png", None),
            of("e.txt", None),
        ]
    );
    let direct = server.call("write", json!({})).await.structured();
    assert_eq!(direct["artifacts"][0]["text"], "# Tëa");
}

#[tokio::test]
async fn only_so_much_text_stands_in_one_result() {
    static HALF: [u8; 40_000] = [b'x'; 40_000];
    static REST: [u8; 25_536] = [b'y'; 25_536];
    let job = write([
        ("a.txt", &HALF),
        ("b.txt", &HALF),
        ("c.txt", &REST),
        ("d.txt", b"z"),
    ]);
    let server = Setup::new(tools().add_job(job)).start().await;
    let shown = texts(&server).await;
    let lengths: Vec<_> = shown
        .iter()
        .map(|(_, text)| text.as_ref().map(String::len))
        .collect();
    assert_eq!(lengths, [Some(40_000), None, Some(25_536), None]);
}

#[tokio::test]
async fn a_job_that_does_not_ask_for_it_only_names_its_files() {
    let job = write([("a.txt", b"x")]).with(|options| options.inline_text = false);
    let server = Setup::new(tools().add_job(job)).start().await;
    assert_eq!(texts(&server).await, [of("a.txt", None)]);
}

#[tokio::test]
async fn a_value_that_became_a_file_is_not_there_twice() {
    let job = count().with(|options| options.inline_text = true);
    let server = Setup::new(tools().add_job(job)).start().await;
    let id = started(&server, "count", json!({"text": "four"})).await;
    ended(&server, "count", &id).await;
    let left = result(&server, "count", &id).await.structured();
    assert_eq!(left["result"], json!({"characters": 4}));
    assert!(left["artifacts"][0].get("text").is_none(), "{left}");
}
