//! A server of one program, for tests that kill servers.

use std::{collections::BTreeMap, env, time::Duration};

use farcall_config::file::{Limits, Sandbox};
use farcall_wrap::child::{Child, ChildSpec};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    runtime,
    time::{self, Instant},
};

/// `until=MILLISECONDS renewed=MILLISECONDS processes=COUNT -- VERB ARGUMENTS…`: runs the probe under the
/// shim, prints what it prints, and how it ended. `renewed` is how long it may live from each of many
/// moments on.
pub(crate) fn hold(words: &[String]) {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    runtime.unwrap().block_on(holding(words));
}

async fn holding(words: &[String]) {
    let split = words.iter().position(|word| word == "--").unwrap();
    let option = |name: &str| -> Option<u64> {
        let options = words[..split]
            .iter()
            .filter_map(|word| word.split_once('='));
        let mut values = options.filter(|(key, _)| *key == name);
        values.next().map(|(_, value)| value.parse().unwrap())
    };
    let renewed = option("renewed").map(Duration::from_millis);
    let until = option("until").map(|until| Instant::now() + Duration::from_millis(until));
    let child = Child::spawn(ChildSpec {
        program: env::current_exe().unwrap(),
        arguments: words[split + 1..].iter().map(Into::into).collect(),
        environment: BTreeMap::new(),
        working_dir: env::current_dir().unwrap(),
        readable: Vec::new(),
        writable: Vec::new(),
        withheld: Vec::new(),
        has_stdin: false,
        limits: Limits {
            processes: option("processes"),
            ..Limits::default()
        },
        sandbox: Sandbox::Default,
        grace: Duration::from_secs(1),
        until,
    });
    let mut child = child.await.unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut beats = time::interval(Duration::from_millis(50));
    let ended = loop {
        tokio::select! {
            Ok(Some(line)) = lines.next_line() => super::say(&line),
            _ = beats.tick() => if let Some(renewed) = renewed {
                child.renew(Instant::now() + renewed);
            },
            ended = child.ended() => break ended.unwrap(),
        }
    };
    super::say(&format!("{ended:?}"));
}
