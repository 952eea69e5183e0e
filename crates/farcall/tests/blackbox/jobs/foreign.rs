//! Jobs that do not exist, for this caller: all of them look alike.

use std::time::{Duration, Instant};

use farcall::{Job, Value, json};
use reqwest::Method;
use tokio_util::sync::CancellationToken;

use crate::{
    harness::{Client, Engine, Http, Rpc, Server, on_each_engine, pace, soon},
    offers::{Callers, count, ended, print, printed, result, started, tools, tools_and_jobs},
    tasks::{about, exposed, follow::listen},
};

const NOWHERE: &str = "00000000000000000000000000000000";

async fn server(engine: Engine) -> Server {
    let app = tools_and_jobs().token_verifier(Callers);
    engine.setup(app).start().await
}

/// A server on which everything is offered that a job can be asked.
async fn open_to_all(engine: Engine) -> Server {
    let open = CancellationToken::new();
    open.cancel();
    let everything = |job: Job| {
        exposed(job).with(|options| {
            options.log = true;
            options.wait = true;
            options.inline_text = true;
        })
    };
    let app = tools()
        .add_job(everything(print(&open)))
        .add_job(everything(count()));
    engine.setup(app.token_verifier(Callers)).start().await
}

/// The ways in which a job can be asked for by its id.
fn ways(client: &Client, id: &str) -> Vec<Http> {
    let id_only = json!({"job_id": id});
    let mut ways = Vec::new();
    let mut add = |request: Rpc| {
        let body = request.body();
        ways.push(request.with_body(body));
    };
    for job in ["print", "count"] {
        for tool in [
            format!("get_{job}_status"),
            format!("get_{job}_result"),
            format!("get_{job}_log"),
            format!("cancel_{job}"),
        ] {
            add(client.tool(&tool, id_only.clone()));
        }
    }
    add(client.tool("get_print_status", json!({"job_id": id, "wait_s": 20})));
    add(client.tool(
        "get_print_log",
        json!({"job_id": id, "cursor": "1", "grep": "x"}),
    ));
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        add(about(client, method, id).param("inputResponses", json!({})));
    }
    add(listen(client, json!({"taskIds": [id]})));
    for path in [
        format!("/files/{id}"),
        format!("/files/{id}/page.txt"),
        format!("/files/{id}/log.csv"),
        format!("/files/{id}/nothing.txt"),
    ] {
        ways.push(client.http(Method::GET, &path));
        ways.push(client.http(Method::HEAD, &path));
        ways.push(client.http(Method::GET, &path).header("range", "bytes=0-1"));
    }
    ways
}

/// Everything that `client` sees of the job `id`, as it came over the wire: status, headers and
/// body, with the id itself written as `ID`.
async fn seen(client: &Client, id: &str) -> Vec<String> {
    let mut seen = Vec::new();
    for way in ways(client, id) {
        let reply = way.send().await;
        let mut headers = reply.headers.clone();
        for own in ["x-request-id", "date"] {
            headers.remove(own);
        }
        let told = format!("{} {headers:?} {}", reply.status, reply.text());
        seen.push(told.replace(id, "ID"));
    }
    seen
}

/// How many pairs of requests are timed.
const PAIRS: usize = 200;

/// The difference between medians that nobody can tell from the outside.
const TOLERANCE: Duration = Duration::from_micros(20);

/// How long each of many requests took, in nanoseconds.
struct Times(Vec<u128>);

impl Times {
    fn median(&self) -> u128 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        sorted[sorted.len() / 2]
    }

    /// By how many standard deviations these are not from the same distribution (Mann-Whitney).
    fn differ_from(&self, others: &Self) -> f64 {
        let here = self.0.iter().map(|time| (time, true));
        let there = others.0.iter().map(|time| (time, false));
        let mut all: Vec<_> = here.chain(there).collect();
        all.sort_unstable();
        let ranks = all.iter().zip(1_u32..);
        let ranks = ranks.filter(|((_, is_here), _)| *is_here);
        let sum: f64 = ranks.map(|(_, rank)| f64::from(rank)).sum();
        let size = f64::from(u32::try_from(self.0.len()).unwrap());
        let expected = size * (2.0 * size + 1.0) / 2.0;
        let deviation = (size * size * (2.0 * size + 1.0) / 12.0).sqrt();
        (sum - expected).abs() / deviation
    }

    /// Whether the difference is one of chance, or too small to be of use to anybody.
    fn look_like(&self, others: &Self) -> bool {
        let (median, other) = (self.median(), others.median());
        let distance = median.abs_diff(other);
        let is_small = distance <= TOLERANCE.as_nanos() || distance * 20 <= other;
        is_small || self.differ_from(others) < 2.58
    }
}

/// Times the `way`-th of the ways to ask for each of both ids, in turns.
async fn times(client: &Client, way: usize, ids: [&str; 2]) -> [Times; 2] {
    let mut times = [Times(Vec::new()), Times(Vec::new())];
    for pair in 0..PAIRS {
        for turn in 0..2 {
            // Whoever is first in a pair has the disadvantage.
            let which = (pair + turn) % 2;
            let request = ways(client, ids[which]).swap_remove(way);
            let began = Instant::now();
            request.send().await;
            times[which].0.push(began.elapsed().as_nanos());
        }
    }
    times
}

on_each_engine! {
    async fn an_unknown_job_is_an_error_with_its_code_and_its_id(engine: Engine) {
        let server = engine.setup(tools_and_jobs()).start().await;
        for tool in ["get_print_status", "get_print_result", "cancel_print"] {
            let failure = server
                .call(tool, json!({"job_id": NOWHERE}))
                .await
                .tool_failure();
            assert_eq!(
                failure,
                json!({
                    "error": format!("unknown job_id `{NOWHERE}`; it may have expired, or it was never started here; start the job again"),
                    "error_code": "unknown_job",
                    "job_id": NOWHERE,
                })
            );
        }
    }

    async fn what_is_no_id_at_all_is_unknown_too(engine: Engine) {
        let server = engine.setup(tools_and_jobs()).start().await;
        let id = printed(&server, "mine").await;
        let long = "a".repeat(100_000);
        for wrong in [
            "",
            "1",
            "../../etc/passwd",
            "' OR 1=1 --",
            "\u{0}",
            "日本",
            &id.to_uppercase(),
            &format!("{id} "),
            &long,
        ] {
            for tool in ["get_print_status", "get_print_result", "cancel_print"] {
                let reply = server.call(tool, json!({"job_id": wrong})).await;
                let failure = reply.tool_failure();
                assert_eq!(failure["error_code"], "unknown_job", "{wrong:?}");
                assert!(reply.body.len() < 1500, "{} bytes", reply.body.len());
            }
        }
    }

    async fn an_id_of_another_type_breaks_the_schema(engine: Engine) {
        let server = engine.setup(tools_and_jobs()).start().await;
        for wrong in [json!(7), Value::Null, json!(["a"]), json!({"a": 1})] {
            let call = server.call("get_print_status", json!({"job_id": wrong}));
            let sentence = call.await.tool_error();
            assert!(sentence.contains("`job_id`"), "{sentence}");
        }
    }

    async fn a_job_of_another_kind_is_unknown(engine: Engine) {
        let server = engine.setup(tools_and_jobs()).start().await;
        let id = printed(&server, "mine").await;
        for tool in ["get_count_status", "get_count_result"] {
            let failure = server
                .call(tool, json!({"job_id": id}))
                .await
                .tool_failure();
            assert_eq!(failure["error_code"], "unknown_job");
        }
    }

    async fn an_expired_job_is_unknown_and_its_file_is_gone(engine: Engine) {
        let mut job = count();
        job.options.keep_for = Duration::ZERO;
        let server = engine.setup(tools().add_job(job)).start().await;
        let id = started(&server, "count", json!({"text": "x"})).await;
        let failure = soon(async {
            loop {
                let reply = server.call("get_count_status", json!({"job_id": id})).await;
                if reply.result()["isError"] == true {
                    return reply.tool_failure();
                }
                pace().await;
            }
        })
        .await;
        assert_eq!(failure["error_code"], "unknown_job");
        assert_eq!(server.get(&format!("/files/{id}")).await.status, 404);
    }

    async fn somebody_elses_job_looks_like_one_that_never_was(engine: Engine) {
        let server = open_to_all(engine).await;
        let (alice, bob) = (
            server.with_token("alice-token"),
            server.with_token("bob-token"),
        );
        let succeeded = printed(&alice, "a secret of alice").await;
        let failed = started(&alice, "print", json!({"text": "x", "jam": true})).await;
        ended(&alice, "print", &failed).await;
        let nothing = seen(&bob, NOWHERE).await;
        assert_eq!(nothing.len(), 26);
        for id in [succeeded.as_str(), failed.as_str()] {
            // Also what the server remembers of her own requests does not show.
            assert_ne!(seen(&alice, id).await, nothing);
            assert_eq!(seen(&bob, id).await, nothing);
        }
        // It is there all the time.
        let page = alice.get(&format!("/files/{succeeded}/page.txt")).await;
        assert_eq!(page.text(), "a secret of alice");
    }

    async fn the_operator_sees_everyones_jobs(engine: Engine) {
        let server = server(engine).await;
        let id = printed(&server.with_token("alice-token"), "for carol too").await;
        let carol = server.with_token("carol-token");
        assert_eq!(ended(&carol, "print", &id).await["state"], "succeeded");
        assert_eq!(
            result(&carol, "print", &id).await.structured()["ready"],
            true
        );
        let page = carol.get(&format!("/files/{id}/page.txt")).await;
        assert_eq!((page.status, page.text().as_str()), (200, "for carol too"));
    }

    async fn callers_run_the_same_job_without_meeting(engine: Engine) {
        let server = open_to_all(engine).await;
        let (alice, bob) = (
            server.with_token("alice-token"),
            server.with_token("bob-token"),
        );
        let (hers, his) = (printed(&alice, "same").await, printed(&bob, "same").await);
        assert_ne!(hers, his);
        assert_eq!(seen(&alice, &his).await, seen(&alice, NOWHERE).await);
        assert_eq!(
            result(&bob, "print", &his).await.structured()["ready"],
            true
        );
    }

    async fn somebody_elses_job_takes_as_long_as_one_that_never_was(engine: Engine) {
        let server = open_to_all(engine).await;
        let (alice, bob) = (
            server.with_token("alice-token"),
            server.with_token("bob-token"),
        );
        let hers = printed(&alice, "a secret of alice").await;
        // So that the server has whatever it remembers of her files.
        seen(&alice, &hers).await;
        // A status, a result, a log, a cancel, what is done to a task, a subscription, a file.
        for way in [0, 1, 2, 3, 10, 11, 12, 13, 14] {
            let mut told = String::new();
            let mut is_alike = false;
            for _ in 0..3 {
                let [foreign, unknown] = times(&bob, way, [&hers, NOWHERE]).await;
                is_alike = foreign.look_like(&unknown);
                if is_alike {
                    break;
                }
                told = format!("{} ns, {} ns", foreign.median(), unknown.median());
            }
            assert!(is_alike, "way {way}: {told}");
        }
    }
}
