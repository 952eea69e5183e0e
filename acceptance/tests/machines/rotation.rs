//! Keys that are rotated in the database, beside replicas which share it.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use farcall_acceptance::{
    Server,
    wait::{until, until_within},
};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinHandle};

use crate::{caller::Caller, rig::Machines};

const LEASE: Duration = Duration::from_secs(30);

const TOKEN: &str = "the-token-of-the-tests-0123456789abcdef";

/// After how long a key signs that was made beside another one; what is promised of it, and what a
/// slow machine may add to that.
const SETTLING: Duration = Duration::from_secs(30);
const SLOWNESS: Duration = Duration::from_secs(30);

/// What the program's own command line prints, run where a replica runs.
fn typed(machines: &Machines, arguments: &[&str]) -> String {
    let server = machines.cluster.server();
    let database = machines.cluster.tcp_url(server, "postgres");
    let output = Command::new(env!("CARGO_BIN_EXE_bakery"))
        .arg("keys")
        .args(arguments)
        .env_clear()
        .env("FARCALL_DATABASE_URL", database)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A replica, and somebody with its token who calls it alone.
#[derive(Clone)]
struct Replica {
    origin: String,
    caller: Caller,
    /// Has no token.
    http: reqwest::Client,
    balancer: String,
}

impl Replica {
    fn new(machines: &Machines, server: &Server) -> Self {
        let token = HeaderValue::from_str(&format!("Bearer {TOKEN}")).unwrap();
        let headers = HeaderMap::from_iter([(AUTHORIZATION, token)]);
        let http = reqwest::Client::builder().no_proxy();
        let http = http.default_headers(headers).build().unwrap();
        Self {
            origin: server.origin().to_owned(),
            caller: Caller::new(http, server.origin()).who_can_be_asked(),
            http: machines.http.clone(),
            balancer: machines.origin(),
        }
    }

    /// A link of this moment, as this replica signs it.
    async fn link(&self, id: &str) -> String {
        let result = self.caller.call("get_bake_result", json!({"job_id": id}));
        let link = result.await["url"].as_str().unwrap().to_owned();
        assert!(link.contains("&sig="), "{link}");
        link
    }

    /// How this replica answers to a link, whoever has signed it.
    async fn status(&self, link: &str) -> u16 {
        let link = link.replace(&self.balancer, &self.origin);
        self.http.get(link).send().await.unwrap().status().as_u16()
    }

    /// A round of a call: what it demands, or what it says.
    async fn round(&self, state: Option<&Value>) -> Value {
        let mut params = json!({"name": "decide", "arguments": {}});
        if let Some(state) = state {
            let yes = json!({"action": "accept", "content": {"sure": true}});
            params["requestState"] = state.clone();
            params["inputResponses"] = json!({"sure": yes});
        }
        let round = self.caller.request("tools/call", "decide", params);
        round.await.unwrap()
    }
}

/// Signs at `one` and opens at the `other`, and back, until the rotation is over; says how often.
fn load([one, other]: [Replica; 2], id: String, is_over: watch::Receiver<bool>) -> JoinHandle<u32> {
    tokio::spawn(async move {
        let mut rounds = 0;
        while !*is_over.borrow() {
            for (signing, opening) in [(&one, &other), (&other, &one)] {
                let link = signing.link(&id).await;
                assert_eq!(opening.status(&link).await, 200, "{link}");
                let asked = signing.round(None).await;
                let said = opening.round(Some(&asked["requestState"])).await;
                assert_eq!(said["content"][0]["text"], "cake", "{said}");
                rounds += 1;
            }
        }
        rounds
    })
}

fn kid(link: &str) -> String {
    let (_, rest) = link.split_once("kid=").unwrap();
    rest.split('&').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rotation_under_load_fails_no_fetch_and_no_question_at_two_replicas() {
    let machines = Machines::new(2, LEASE).await;
    let with_token = |number| {
        let replica = machines.replica(number, "all");
        let replica = replica.env("MCP_BEARER_TOKEN", TOKEN);
        // As fast as it goes.
        let replica = replica.env("FARCALL_CALL_RATE", "off");
        replica.env("FARCALL_TOOL_RATE", "off")
    };
    let servers = [with_token(0).start().await, with_token(1).start().await];
    let replicas = [0, 1].map(|place: usize| Replica::new(&machines, &servers[place]));
    let [one, other] = &replicas;
    let started = one.caller.call("start_bake", json!({"number": 1})).await;
    let id = started["job_id"].as_str().unwrap().to_owned();
    assert_eq!(other.caller.ended("bake", &id).await["state"], "succeeded");
    let first = one.link(&id).await;

    let (over, is_over) = watch::channel(false);
    let loads: Vec<_> = (0..4)
        .map(|_| load(replicas.clone(), id.clone(), is_over.clone()))
        .collect();
    age(&machines).await;
    let rotated = Instant::now();
    typed(&machines, &["rotate"]);
    for replica in &replicas {
        until_within(SETTLING + SLOWNESS, "the new key", async || {
            (kid(&replica.link(&id).await) != kid(&first)).then_some(())
        })
        .await;
        let took = rotated.elapsed();
        assert!(took >= SETTLING, "it signs after {took:?}");
    }
    let second = other.link(&id).await;
    assert_eq!(kid(&second), kid(&one.link(&id).await));
    over.send_replace(true);
    for load in loads {
        let rounds = load.await.unwrap();
        assert!(rounds > 30, "{rounds} rounds are no load");
    }
    for replica in &replicas {
        assert_eq!(replica.status(&first).await, 200);
    }

    // The next one ends what was signed before the one before it.
    age(&machines).await;
    typed(&machines, &["rotate"]);
    for replica in &replicas {
        until("the end of the first link", async || {
            (replica.status(&first).await == 404).then_some(())
        })
        .await;
        assert_eq!(replica.status(&second).await, 200);
    }

    // A database that is away takes the keys from nobody, and is said to be away once.
    machines.cluster.stop();
    let away = "the keys in the store cannot be read; those that were read before go on";
    for server in &servers {
        until("the complaint", async || {
            server.talk().contains(away).then_some(())
        })
        .await;
    }
    machines.cluster.start_again();
    for (replica, server) in replicas.iter().zip(&servers) {
        until("the database", async || {
            server
                .talk()
                .contains("the keys in the store can be read again")
                .then_some(())
        })
        .await;
        assert_eq!(server.talk().matches(away).count(), 1);
        assert_eq!(replica.status(&second).await, 200);
    }

    let said = typed(&machines, &["rotate", "--now"]);
    for replica in &replicas {
        until("the end of every link", async || {
            (replica.status(&second).await == 404).then_some(())
        })
        .await;
        let link = replica.link(&id).await;
        assert!(
            said.contains(&format!("links: {} signs", kid(&link))),
            "{said}"
        );
        assert_eq!(replica.status(&link).await, 200);
    }
    for server in servers {
        server.stop().await;
    }
}

/// Lets the newest keys have been made a minute ago: no test waits for the time between two rotations.
async fn age(machines: &Machines) {
    let _: Vec<(i32,)> = machines
        .query(
            "DO $$ BEGIN
                 SET LOCAL session_replication_role = replica;
                 UPDATE secrets SET made_at = made_at - 60000;
             END $$",
        )
        .await;
}
