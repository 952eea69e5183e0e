//! Host and Origin: pages of strangers must not reach the server under a name of theirs, and its own name must.

use http::header;
use serde_json::json;

use super::{
    super::{
        asked::{self, Answer},
        finding::{Chart, Finding},
        machine,
    },
    STEP, Walk, message,
};

const CHECK: &str = "Host guard";

/// A name that nobody has (RFC 6761).
const STRANGER: &str = "doctor.invalid";

pub(super) async fn look(walk: &Walk<'_>, chart: &mut Chart) {
    let Some(machine) = walk.machine.filter(|machine| machine.is_alive) else {
        chart.add(Finding::unverified(
            CHECK,
            "whether a foreign `Host` is refused shows only on the machine of the server, past what stands in front",
        ));
        return;
    };
    let url = format!("{}/mcp", machine::local_url(&machine.config));
    let foreign = asked_as(&url, Some(STRANGER), None).await;
    let from_page = asked_as(&url, None, Some(&format!("https://{STRANGER}"))).await;
    let own = match &machine.config.http.public_base_url {
        Some(public) => Some((
            public.authority(),
            asked_as(&url, Some(&public.authority()), None).await,
        )),
        None => None,
    };
    let (Some(foreign), Some(from_page)) = (foreign, from_page) else {
        chart.add(Finding::unverified(
            CHECK,
            format!("`{url}` did not answer"),
        ));
        return;
    };
    if !is_refused(&foreign) || !is_refused(&from_page) {
        chart.add(
            Finding::broken(CHECK, format!("`{url}` answers to a foreign `Host` or `Origin`"))
                .cause("what listens there is no server of farcall, or something in front of it changes `Host`")
                .remedy("do not put a proxy between that rewrites `Host` to localhost: a page in a browser of this machine could call the tools"),
        );
        return;
    }
    match own {
        Some((name, Some(answer))) if is_refused(&answer) => chart.add(
            Finding::broken(CHECK, format!("the server refuses its own public name, `{name}`"))
                .cause("it was started with another PUBLIC_BASE_URL than the one that is set now")
                .remedy("start it again, so that it reads PUBLIC_BASE_URL; more names go into FARCALL_ALLOWED_HOSTS"),
        ),
        Some((name, Some(_))) => chart.add(Finding::ok(CHECK, format!("`{name}` is served, and a foreign `Host` or `Origin` is refused"))),
        _ => chart.add(Finding::ok(CHECK, "a foreign `Host` or `Origin` is refused")),
    }
}

/// What a request is answered that says nothing of who asks: the guard stands before that, and who has the port may be
/// anybody.
async fn asked_as(url: &str, host: Option<&str>, origin: Option<&str>) -> Option<Answer> {
    let url = url::Url::parse(url).ok()?;
    let mut request = asked::client(&url, STEP).ok()?.post(url);
    request = super::stateless(request, "tools/list")
        .header(header::ACCEPT, "application/json, text/event-stream");
    if let Some(host) = host {
        request = request.header(header::HOST, host);
    }
    if let Some(origin) = origin {
        request = request.header(header::ORIGIN, origin);
    }
    asked::answer(request.json(&message("tools/list", json!({}))))
        .await
        .ok()
}

fn is_refused(answer: &Answer) -> bool {
    answer.status == http::StatusCode::FORBIDDEN
}
