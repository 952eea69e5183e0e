//! That the path leads to the server whose data is here: a nonce that only a server with its keys can answer.

use farcall_core::artifact::hexadecimal;

use super::{
    super::{
        asked,
        finding::{Chart, Finding},
        machine,
    },
    STEP, Walk, credentials,
};
use crate::{attach, running::keys};

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
    let Some((nonce, proofs)) = expected(machine).await else {
        chart.add(without_keys(machine));
        return;
    };
    let public = answered(walk, walk.at("/healthz").as_str(), &nonce).await;
    let local = format!("{}/healthz", machine::local_url(&machine.config));
    let local = if machine.is_alive {
        answered(walk, &local, &nonce).await
    } else {
        None
    };
    let proves =
        |proof: &Option<String>| proof.as_ref().is_some_and(|proof| proofs.contains(proof));
    let place = &walk.sent.endpoint;
    chart.add(match (proves(&public), proves(&local)) {
        (true, _) => Finding::ok(CHECK, format!("`{place}` leads to the server whose data is here")),
        (false, true) => Finding::broken(CHECK, format!("`{place}` leads to another server than the one of this machine"))
            .cause("the tunnel, the proxy or the DNS record points at another port or machine, or a cache answers")
            .remedy(format!("let it forward to http://{}: `service` in ~/.cloudflared/config.yml, `reverse_proxy` of Caddy, `proxy_pass` of nginx", crate::verbs::deploy::upstream(&machine.config))),
        (false, false) if machine.is_alive && local.is_some() => Finding::broken(CHECK, "the server of this machine has other keys than those that are here")
            .cause(ELSEWHERE)
            .remedy(THERE),
        (false, false) => Finding::unverified(CHECK, format!("`{place}` answers no proof, so it may be any server, or one of an earlier version")),
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

/// A nonce, and what a server with the keys that are here may answer.
async fn expected(machine: &machine::Machine) -> Option<(String, Vec<String>)> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).ok()?;
    let nonce = hexadecimal(&nonce);
    let store = attach::try_attach(&machine.config.storage).await.ok()?;
    let proofs = keys::proofs(&machine.config, store.as_ref(), &nonce).await;
    store.close().await;
    (!proofs.is_empty()).then_some((nonce, proofs))
}

/// The proof that comes from a URL; what says who asks goes to the endpoint's own origin alone.
async fn answered(walk: &Walk<'_>, url: &str, nonce: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    let mut request = asked::client(&url, STEP)
        .ok()?
        .get(url.clone())
        .header("farcall-nonce", nonce);
    if walk.sent.endpoint.is_same_origin(&url)
        || credentials::is_loopback(&url) && credentials::is_loopback(walk.url())
    {
        request = request.headers(walk.sent.endpoint.headers().clone());
    }
    let answer = asked::answer(request).await.ok()?;
    let proof = answer.header("farcall-proof");
    (!proof.is_empty()).then(|| proof.to_owned())
}
