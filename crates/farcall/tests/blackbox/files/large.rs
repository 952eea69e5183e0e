//! Files that the kernel sends piece by piece, between other answers on the same connection.

use std::{fmt::Write, ops::Range};

use farcall::{Artifact, Job, JobContext, Pipeline, json};
use tokio::task::JoinSet;

use crate::{
    harness::{Connection, Server, Setup},
    offers::{Page, ended, started, tools},
};

/// More than three pieces; no two places in it look alike.
const LENGTH: usize = 900_000;

/// More than the kernel takes for a connection whose other end does not read, by its usual limits.
const TOO_LONG: usize = 16 << 20;

fn text(length: usize) -> String {
    let mut text = String::with_capacity(length + 8);
    let mut number = 0_u32;
    while text.len() < length {
        write!(text, "{number:07} ").unwrap();
        number += 1;
    }
    text.truncate(length);
    text
}

/// A server, the path of a long page on it, and what it says.
async fn long_page(length: usize) -> (Server, String, String) {
    let pipeline: Pipeline<Page, Artifact> = Pipeline::new()
        .stage("writing", move |ctx: &JobContext, _| {
            ctx.write_artifact("page.txt", text(length).as_bytes())
        });
    let job = Job::new("write", "Write a long page.", pipeline);
    let server = Setup::new(tools().add_job(job)).start().await;
    let id = started(&server, "write", json!({"text": ""})).await;
    ended(&server, "write", &id).await;
    (server, format!("/files/{id}/page.txt"), text(length))
}

fn get(path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{more}\r\n")
}

/// The body of the first answer in `bytes`, which it is taken from.
fn next_body<'a>(bytes: &mut &'a [u8], is_head: bool) -> &'a [u8] {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let (head, rest) = bytes.split_at(end.unwrap() + 4);
    let head = std::str::from_utf8(head).unwrap().to_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap();
    let length = length.split("\r\n").next().unwrap().parse().unwrap();
    let (body, rest) = rest.split_at(if is_head { 0 } else { length });
    *bytes = rest;
    body
}

#[tokio::test]
async fn parts_of_a_file_and_other_answers_keep_their_order_on_one_connection() {
    let (server, path, text) = long_page(LENGTH).await;
    let ranges: [Range<usize>; 5] = [
        0..LENGTH,
        262_143..262_145,
        1..524_289,
        LENGTH - 1..LENGTH,
        300_000..800_000,
    ];
    let mut requests = String::new();
    for range in &ranges {
        let part = format!("range: bytes={}-{}\r\n", range.start, range.end - 1);
        requests += &get(&path, &part);
        requests += &get("/healthz", "");
        requests += &get(&path, "").replacen("GET", "HEAD", 1);
    }
    requests += &get(&path, "connection: close\r\n");
    let mut connection = Connection::open(server.address).await;
    connection.write(requests.as_bytes()).await;
    let answers = connection.rest().await;
    let mut answers = answers.as_slice();
    for range in ranges {
        let part = next_body(&mut answers, false);
        assert!(part == &text.as_bytes()[range.clone()], "{range:?}");
        assert_eq!(next_body(&mut answers, false), br#"{"ok": true}"#);
        next_body(&mut answers, true);
    }
    assert!(next_body(&mut answers, false) == text.as_bytes());
    assert!(answers.is_empty());
}

#[tokio::test]
async fn a_file_that_had_to_wait_for_its_reader_goes_on_where_it_stopped() {
    let (server, path, text) = long_page(TOO_LONG).await;
    let mut connection = Connection::open_narrow(server.address).await;
    let request = get(&path, "connection: close\r\n");
    connection.write(request.as_bytes()).await;
    let answer = connection.rest().await;
    assert!(next_body(&mut answer.as_slice(), false) == text.as_bytes());
}

#[tokio::test]
async fn whoever_leaves_in_the_middle_of_a_file_disturbs_nobody() {
    let (server, path, text) = long_page(LENGTH).await;
    let mut readers = JoinSet::new();
    for number in 0..24 {
        let (address, request) = (server.address, get(&path, "connection: close\r\n"));
        readers.spawn(async move {
            let mut connection = Connection::open(address).await;
            connection.write(request.as_bytes()).await;
            if number % 3 > 0 {
                connection.some().await;
                connection.reset();
                return None;
            }
            Some(connection.rest().await)
        });
    }
    let mut whole = 0;
    while let Some(read) = readers.join_next().await {
        let Some(read) = read.unwrap() else { continue };
        assert!(next_body(&mut read.as_slice(), false) == text.as_bytes());
        whole += 1;
    }
    assert_eq!(whole, 8);
}
