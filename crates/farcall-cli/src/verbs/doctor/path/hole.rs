//! That nobody gets in who says nothing: not to the tools, not to the files.

use http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::time::timeout;
use url::Url;

use super::{
    super::{
        asked::{self, Answer, Leads},
        finding::{Chart, Finding},
    },
    STEP, Walk, edge, handshake,
};
use crate::{
    Failure,
    client::{Connection, Endpoint, Wire, one_line, without_query},
    words::count,
};

const MCP: &str = "open to strangers";
const FILES: &str = "files open to strangers";

/// An id that no job has.
const NO_JOB: &str = "/files/00000000000000000000000000000000";

const GATE: &str = "put MCP_BEARER_TOKEN, of `openssl rand -hex 32`, into the server's `.env` and start it again; or an application of Cloudflare Access for the whole host, whose policy has the action Service Auth";

/// What somebody who sends nothing gets of the tools.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Gate {
    /// They are refused, with this.
    Closed(StatusCode),
    /// They are let in, and get the list of so many tools; `None` where it did not come in time.
    Open(Option<usize>),
    /// Neither is sure; why.
    Unknown(String),
}

/// A file that a job has made.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) url: String,
    /// What the job says that it is, where it does.
    pub(super) media_type: Option<String>,
}

/// Asks for the list of tools, then for a file, and sends nothing with it.
pub(super) async fn look(walk: &Walk<'_>, file: Option<&Made>, chart: &mut Chart) {
    let gate = asked_by_a_stranger(walk).await;
    chart.add(of_tools(walk, &gate));
    chart.add(of_files(walk, &gate, file).await);
}

/// What a client without credentials came to.
enum Came {
    /// It is let in, and gets so many tools.
    Listed(usize),
    /// It is let in, and the list does not come in time.
    Waited,
    /// It is let in, and the list fails.
    Failed(String),
    /// It is not let in, or not in time.
    Outside { is_late: bool },
}

/// The client that people have is the stranger: it reads lists of any length, and streams, and shakes hands.
async fn asked_by_a_stranger(walk: &Walk<'_>) -> Gate {
    let nobody = walk.sent.endpoint.without_headers();
    let mut let_in = None;
    for wire in [Wire::Stateless, Wire::Handshake] {
        match came(&nobody, wire).await {
            Came::Listed(0) => let_in = Some("is shown no tool".to_owned()),
            Came::Listed(tools) => return Gate::Open(Some(tools)),
            Came::Waited => return Gate::Open(None),
            Came::Failed(why) => let_in = Some(format!("gets no list of tools: {why}")),
            // The other version would take as long.
            Came::Outside { is_late: true } => break,
            Came::Outside { is_late: false } => {}
        }
    }
    if let Some(why) = let_in {
        return Gate::Unknown(format!("is let in, and {why}"));
    }
    // No client gets in. That it is refused, and not merely failed, shows the status.
    let mut refusal = None;
    for answer in [walk.asked(false, "tools/list").await, shaken(walk).await] {
        match answer {
            Ok(answer) if is_refusal(walk.url(), &answer).await => refusal = Some(answer.status),
            Ok(answer) => {
                return Gate::Unknown(format!("gets {}, which is no refusal", answer.status));
            }
            Err(error) => return Gate::Unknown(format!("gets no answer: {}", one_line(&error))),
        }
    }
    refusal.map_or_else(|| Gate::Unknown("gets nothing".to_owned()), Gate::Closed)
}

async fn came(endpoint: &Endpoint, wire: Wire) -> Came {
    let connection = match timeout(STEP, Connection::open(endpoint, wire)).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => {
            tracing::debug!(error = %Failure::from(error), "a stranger is not let in");
            return Came::Outside { is_late: false };
        }
        Err(_) => return Came::Outside { is_late: true },
    };
    let tools = timeout(STEP, connection.tools()).await;
    connection.close().await;
    match tools {
        Ok(Ok(tools)) => Came::Listed(tools.len()),
        Ok(Err(failure)) => Came::Failed(failure.message),
        Err(_) => Came::Waited,
    }
}

/// What a stranger's handshake is answered.
async fn shaken(walk: &Walk<'_>) -> Result<Answer, String> {
    let answer = asked::answer(walk.post(false, &handshake(), STEP)?).await?;
    edge::end_session(walk, &HeaderMap::new(), &answer).await;
    Ok(answer)
}

async fn is_refusal(url: &Url, answer: &Answer) -> bool {
    match answer.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => true,
        // Tools are no page.
        status if status.is_redirection() => matches!(
            asked::leads(url, answer, STEP).await,
            Leads::LogIn | Leads::Page
        ),
        _ => false,
    }
}

fn of_tools(walk: &Walk<'_>, gate: &Gate) -> Finding {
    let place = &walk.sent.endpoint;
    let open = match gate {
        Gate::Closed(status) => {
            return Finding::ok(
                MCP,
                format!("who sends nothing gets {status} from `{place}`"),
            );
        }
        Gate::Unknown(why) => {
            return Finding::unverified(MCP, format!("who sends nothing {why}, at `{place}`"));
        }
        Gate::Open(Some(tools)) => format!(
            "anyone who finds `{place}` may call {}: a list was given to somebody who sent nothing",
            count(*tools as u64, "tool")
        ),
        Gate::Open(None) => format!(
            "anyone who finds `{place}` is let in; the list of tools did not come to who sent nothing within {} seconds",
            STEP.as_secs()
        ),
    };
    let is_configured = walk
        .machine
        .is_some_and(|machine| !machine.config.auth.is_open());
    if walk.is_local() && !is_configured {
        let said = "nobody is asked who they are, and only this machine gets here";
        return if walk.sent.is_somebody() {
            Finding::warning(MCP, format!("{said}; what was sent is not asked for"))
                .cause("a token is set here, and the server runs without one")
                .remedy(format!(
                    "nothing, as long as nothing forwards to it; else {GATE}"
                ))
        } else {
            Finding::ok(MCP, said)
        };
    }
    let finding = Finding::broken(MCP, open);
    let cause = if walk.sent.is_somebody() {
        "what was sent to say who asks is not asked for: the policy lets everybody through, or the server runs without its token"
    } else {
        "neither an edge nor the server asks who calls"
    };
    finding.cause(cause).remedy(GATE)
}

/// The same for files: the URL of a job's file without the signature that is behind it, else of a job that is not there.
async fn of_files(walk: &Walk<'_>, gate: &Gate, file: Option<&Made>) -> Finding {
    let real = file.and_then(|file| Url::parse(&file.url).ok());
    let is_real = real.is_some();
    let mut url = real.unwrap_or_else(|| walk.beside(NO_JOB));
    url.set_query(None);
    let place = without_query(&url);
    let Ok(answer) = asked::get(url.as_str(), STEP).await else {
        return Finding::unverified(FILES, format!("`{place}` did not answer"));
    };
    let given = if answer.status.is_redirection() {
        match asked::leads(&url, &answer, STEP).await {
            // A file may be a page itself.
            Leads::Page if is_page(&url, file) => Given::Unclear,
            Leads::LogIn | Leads::Page => Given::Refused,
            Leads::There => Given::File,
            Leads::Somewhere => Given::Unclear,
        }
    } else {
        given(&answer)
    };
    judged(gate, given, is_real, answer.status, &place)
}

/// Whether a file is a page by what its job says of it, else by its name.
fn is_page(url: &Url, file: Option<&Made>) -> bool {
    if let Some(media_type) = file.and_then(|file| file.media_type.as_deref()) {
        return media_type
            .trim_start()
            .to_ascii_lowercase()
            .starts_with("text/html");
    }
    let ending = url.path().rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| {
        ending.eq_ignore_ascii_case("html") || ending.eq_ignore_ascii_case("htm")
    })
}

/// What becomes of a stranger who asks for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    Refused,
    File,
    /// There is none, or so it is said.
    Nothing,
    Unclear,
}

fn given(answer: &Answer) -> Given {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    match answer.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Given::Refused,
        StatusCode::NOT_FOUND | StatusCode::GONE => Given::Nothing,
        status if status.is_success() && body.get("error").is_none() => Given::File,
        _ => Given::Unclear,
    }
}

fn judged(gate: &Gate, given: Given, is_real: bool, status: StatusCode, place: &str) -> Finding {
    let said = format!("who sends nothing gets {status} from `{place}`");
    match (given, gate) {
        (Given::Refused, _) => Finding::ok(FILES, said),
        (Given::File | Given::Nothing, Gate::Open(_)) => {
            Finding::ok(FILES, format!("files are as open as the tools: {status}"))
        }
        (Given::Nothing, _) if is_real => Finding::ok(FILES, said),
        (Given::File, Gate::Closed(_)) if is_real => {
            Finding::broken(FILES, format!("`{place}` is given to somebody who sent nothing"))
                .cause("a proxy or a rule of the edge lets /files past the gate")
                .remedy("let the gate stand before the whole host; the server itself asks at /files as it does at /mcp, and links that it signs open one file alone")
        }
        (Given::File, Gate::Unknown(_)) if is_real => {
            Finding::unverified(FILES, format!("`{place}` is given to somebody who sent nothing, and whether the tools are is not known"))
                .remedy("see that this is meant")
        }
        _ if is_real => Finding::unverified(FILES, format!("{said}, which is no refusal")),
        _ => Finding::unverified(FILES, format!("{said}, and there was no file to try")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::finding::Level;
    use super::*;

    #[test]
    fn a_file_that_is_a_page_is_no_log_in() {
        for (file, expected) in [
            ("https://a.example/files/1/Report.HTML", true),
            ("https://a.example/files/1/page.htm", true),
            ("https://a.example/files/1", false),
            ("https://a.example/files/1/html", false),
        ] {
            let url = Url::parse(file).unwrap();
            assert_eq!(is_page(&url, None), expected, "{file}");
            let said = |media_type: &str| Made {
                url: file.to_owned(),
                media_type: Some(media_type.to_owned()),
            };
            assert!(is_page(&url, Some(&said("text/html; charset=utf-8"))));
            assert!(!is_page(&url, Some(&said("application/pdf"))));
        }
    }

    #[test]
    fn files_that_are_more_open_than_the_tools_are_never_fine() {
        let gates = [
            Gate::Closed(StatusCode::UNAUTHORIZED),
            Gate::Open(Some(3)),
            Gate::Unknown("gets 500".to_owned()),
        ];
        let levels = |given, is_real| {
            gates
                .clone()
                .map(|gate| judged(&gate, given, is_real, StatusCode::OK, "x").level)
        };
        assert_eq!(
            levels(Given::File, true),
            [Level::Broken, Level::Ok, Level::Unverified]
        );
        assert_eq!(
            levels(Given::File, false),
            [Level::Unverified, Level::Ok, Level::Unverified]
        );
        assert_eq!(levels(Given::Refused, false), [Level::Ok; 3]);
        assert_eq!(levels(Given::Nothing, true), [Level::Ok; 3]);
        assert_eq!(levels(Given::Unclear, true), [Level::Unverified; 3]);
    }
}
