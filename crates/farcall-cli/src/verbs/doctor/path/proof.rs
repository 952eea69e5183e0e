//! That the path leads to the server whose data is here: a question that only a server with its keys can answer.

use farcall_core::artifact::hexadecimal;
use http::header;
use serde_json::json;
use url::Url;

use super::{
    super::{
        asked,
        finding::{Chart, Finding},
        machine,
    },
    STEP, Walk, message, stateless,
};
use crate::{
    attach::{self, Unattached},
    running::keys,
};

const CHECK: &str = "same server";

pub(super) async fn look(walk: &Walk<'_>, chart: &mut Chart) {
    let Some(machine) = walk.machine else {
        let said = "whether this is the server that is meant shows only beside its data";
        chart.add(
            Finding::unverified(CHECK, said)
                .remedy("call it in the folder of the server, with this URL"),
        );
        return;
    };
    let Some(questions) = questions(machine).await else {
        let said = "the store did not open, so there are no keys here to prove it by; see `store`";
        chart.add(Finding::unverified(CHECK, said));
        return;
    };
    if questions.is_empty() {
        chart.add(without_keys(machine));
        return;
    }
    let health = walk.beside("/healthz");
    let probed = answered(walk, &health, &questions).await;
    // What forwards /healthz to one server may forward /mcp to another.
    let called = answered(walk, walk.url(), &questions).await;
    let place = &walk.sent.endpoint;
    match (called, probed) {
        (Shown::Same, Shown::Other) => {
            chart.add(
                Finding::warning(CHECK, format!("`{place}` leads to the server whose data is here, and `{health}` to another one"))
                    .cause("what stands in front forwards them to different ports or machines, or a cache answers")
                    .remedy("let it pass /healthz on as it does /mcp: who watches there watches the wrong server"),
            );
            return;
        }
        (Shown::Same, _) => {
            chart.add(Finding::ok(
                CHECK,
                format!("`{place}` leads to the server whose data is here"),
            ));
            return;
        }
        (Shown::Nothing, Shown::Same) => {
            chart.add(
                Finding::unverified(CHECK, format!("`{health}` leads to the server whose data is here, and `{place}` gives no proof, so it may lead to another one"))
                    .cause("what stands in front forwards them to different places, or takes headers away, or the server is one of an earlier version")
                    .remedy("start the server again, of this version; let what stands in front pass /mcp on as it does /healthz, with its headers"),
            );
            return;
        }
        _ => {}
    }
    let public = if called == Shown::Other {
        called
    } else {
        probed
    };
    let local = match Url::parse(&format!("{}/healthz", machine::local_url(&machine.config))) {
        Ok(local) if machine.is_alive => answered(walk, &local, &questions).await,
        _ => Shown::Nothing,
    };
    chart.add(match (public, local) {
        (Shown::Other, Shown::Same) => Finding::broken(CHECK, format!("`{place}` leads to another server than the one of this machine"))
            .cause("the tunnel, the proxy or the DNS record points at another port or machine, or a cache answers")
            .remedy(format!("let it forward to http://{}: `service` in ~/.cloudflared/config.yml, `reverse_proxy` of Caddy, `proxy_pass` of nginx", crate::verbs::deploy::upstream(&machine.config))),
        (_, Shown::Other) => Finding::broken(CHECK, "the server of this machine has other keys than those that are here")
            .cause(ELSEWHERE)
            .remedy(THERE),
        (Shown::Nothing | Shown::Same, Shown::Same) => Finding::unverified(CHECK, format!("neither `{place}` nor `{health}` gives a proof, so they may lead to any server"))
            .cause("a proxy takes headers away, or it is another server, of an earlier version or none of farcall")
            .remedy("let what stands in front pass headers on, `Farcall-Nonce` and `Farcall-Proof` too; compare the port that it forwards to"),
        (Shown::Other, Shown::Nothing) => Finding::unverified(CHECK, format!("`{place}` leads to a server of farcall with other keys than those that are here"))
            .cause("it is another one, or was started with another FARCALL_DATA_DIR or FARCALL_SECRET; none answers on this machine that could be asked"),
        (Shown::Nothing | Shown::Same, Shown::Nothing) => Finding::unverified(CHECK, format!("`{place}` answers no proof, so it may be any server, or one of an earlier version")),
    });
}

/// There is nothing to prove it by: there never is, or it lies elsewhere.
fn without_keys(machine: &machine::Machine) -> Finding {
    let storage = &machine.config.storage;
    let is_missing = storage.database_url.is_none() && !storage.data_dir.exists();
    if machine.has_jobs && machine.is_alive && is_missing {
        return Finding::broken(CHECK, "a server answers on this machine, and its data is not where it would be by the configuration here")
            .cause(ELSEWHERE)
            .remedy(THERE);
    }
    Finding::unverified(
        CHECK,
        "there are no keys here to prove it by: a server without jobs has none that it shares",
    )
}

const ELSEWHERE: &str =
    "it was started in another folder, or with another FARCALL_DATA_DIR or FARCALL_SECRET";
const THERE: &str =
    "start it where its data is meant to be, or call this in the folder in which it was started";

/// What came back to the questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// It has these keys.
    Same,
    /// It is a server of farcall, and has others.
    Other,
    /// No proof at all.
    Nothing,
}

/// What a server with the keys that are here is asked, and answers; one for each key. `None` where there is a store, and
/// it does not open.
async fn questions(machine: &machine::Machine) -> Option<Vec<(String, String)>> {
    let mut nonce = [0; 16];
    if getrandom::fill(&mut nonce).is_err() {
        return Some(Vec::new());
    }
    let nonce = hexadecimal(&nonce);
    // Keys of a secret are in no store, so it may be away.
    if machine.config.auth.secret.is_some() {
        return Some(keys::proofs(&machine.config, None, &nonce).await);
    }
    if machine.unusable.is_some() {
        return None;
    }
    let store = match attach::try_attach(&machine.config.storage).await {
        Ok(store) => store,
        Err(Unattached::Missing) => return Some(Vec::new()),
        Err(Unattached::Failed(_) | Unattached::Older(_)) => return None,
    };
    let questions = keys::proofs(&machine.config, Some(store.as_ref()), &nonce).await;
    store.close().await;
    Some(questions)
}

async fn answered(walk: &Walk<'_>, url: &Url, questions: &[(String, String)]) -> Shown {
    let mut shown = Shown::Nothing;
    for (question, expected) in questions {
        match proof(walk, url, question).await {
            Some(proof) if proof == *expected => return Shown::Same,
            Some(_) => shown = Shown::Other,
            None => {}
        }
    }
    shown
}

/// The proof that comes from a URL; what says who asks goes to the endpoint's own origin alone.
async fn proof(walk: &Walk<'_>, url: &Url, question: &str) -> Option<String> {
    let client = asked::client(url, STEP).ok()?;
    let request = if url == walk.url() {
        const METHOD: &str = "server/discover";
        let request = client.post(url.clone()).json(&message(METHOD, json!({})));
        stateless(request, METHOD).header(header::ACCEPT, "application/json, text/event-stream")
    } else {
        client.get(url.clone())
    };
    let mut request = request.header("farcall-nonce", question);
    if walk.sent.endpoint.is_same_origin(url) {
        request = request.headers(walk.sent.endpoint.headers().clone());
    }
    // The head says it; a body may have no end.
    let answer = request.send().await.ok()?;
    let proof = answer.headers().get("farcall-proof")?.to_str().ok()?;
    Some(proof.to_owned())
}
