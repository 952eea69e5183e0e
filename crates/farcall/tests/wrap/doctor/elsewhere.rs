//! What is sent to a server that is not this one: the requests themselves, as it gets them.

use std::fs;

use rcgen::KeyPair;
use serde_json::{Value, json};

use super::{
    Doctor, FARM, Seen, TOKEN,
    certificates::{acceptor, authority, named},
    front::listening_secured,
};
use crate::harness::Project;

/// Another address of this machine than the one that counts as this machine.
const ELSEWHERE: &str = "0.0.0.0";

/// What stays here, in `.env` or in the environment.
const KEPT: &str = "k3pt-here-k3pt-here";

/// `doctor` of a URL elsewhere over TLS, in the folder of a server or in an empty one; and what was sent there.
async fn asked(
    is_here: bool,
    dotenv: &str,
    variables: &[(&str, &str)],
    headers: Option<Value>,
) -> (Seen, String) {
    let project = Project::new(FARM);
    let empty = tempfile::tempdir().unwrap();
    let folder = if is_here {
        project.path("")
    } else {
        empty.path().to_owned()
    };
    let authority = authority();
    let key = KeyPair::generate().unwrap();
    let certificate = named(ELSEWHERE).signed_by(&key, &authority).unwrap();
    let (port, heard) = listening_secured(acceptor(certificate.der().clone(), &key)).await;
    let url = format!("https://{ELSEWHERE}:{port}/mcp");
    fs::write(folder.join(".env"), dotenv).unwrap();
    fs::write(folder.join("authority.pem"), authority.pem()).unwrap();
    let doctor = Doctor::within(&folder).variable("SSL_CERT_FILE", "authority.pem");
    let doctor = variables
        .iter()
        .fold(doctor, |doctor, (name, value)| doctor.variable(name, value));
    let doctor = match headers {
        Some(headers) => {
            let block = json!({"mcpServers": {"far-mcp": {"url": url, "headers": headers}}});
            fs::write(folder.join("mcp.json"), block.to_string()).unwrap();
            doctor.argument("--registration").argument("mcp.json")
        }
        None => doctor.argument(url),
    };
    let seen = doctor.run().await;
    let heard = heard.lock().unwrap().clone();
    assert!(heard.contains("POST /mcp"), "{heard}\n{}", seen.all());
    (seen, heard)
}

#[tokio::test]
async fn what_env_has_stays_with_the_server_it_is_of() {
    let dotenv = format!("FARCALL_TOKEN={KEPT}\nPUBLIC_BASE_URL=https://farm.example.com\n");
    let (seen, heard) = asked(false, &dotenv, &[], None).await;
    assert!(!heard.contains(KEPT), "{heard}");
    seen.says("credentials", "unverified", "`FARCALL_TOKEN` of `.env`", "");
    seen.says(
        "edge auth",
        "broken",
        "is missing",
        "or set PUBLIC_BASE_URL",
    );
    // Here nothing says that there is a server of this folder.
    let (seen, _) = asked(false, &format!("FARCALL_TOKEN={KEPT}\n"), &[], None).await;
    seen.says(
        "credentials",
        "unverified",
        "nothing here says whose the URL is",
        "",
    );
}

#[tokio::test]
async fn the_servers_own_token_is_sent_to_no_other_server() {
    let own = ("MCP_BEARER_TOKEN", KEPT);
    let (seen, heard) = asked(true, "", &[own], None).await;
    assert!(!heard.contains(KEPT), "{heard}");
    seen.says(
        "credentials",
        "unverified",
        "`MCP_BEARER_TOKEN` of the environment",
        "a token as FARCALL_TOKEN",
    );
    seen.says(
        "edge auth",
        "broken",
        "is missing",
        "FARCALL_TOKEN with the token of that server",
    );
    // Something else that is sent does not hide it.
    let service = [
        own,
        ("CF_ACCESS_CLIENT_ID", TOKEN),
        ("CF_ACCESS_CLIENT_SECRET", TOKEN),
    ];
    let (seen, _) = asked(true, "", &service, None).await;
    seen.says(
        "credentials",
        "unverified",
        "`MCP_BEARER_TOKEN` of the environment",
        "",
    );
    seen.says(
        "credentials",
        "ok",
        "`CF-Access-Client-Id` of `CF_ACCESS_CLIENT_ID`",
        "",
    );
    // Neither is what is called after it.
    for own in [
        "FARM_MCP_TOKEN",
        "FARM_CF_CLIENT_ID",
        "FARM_CF_CLIENT_SECRET",
    ] {
        let (seen, heard) = asked(true, "", &[(own, KEPT)], None).await;
        assert!(!heard.contains(KEPT), "{heard}");
        let kept = format!("`{own}` of the environment");
        seen.says("credentials", "unverified", &kept, "PUBLIC_BASE_URL");
    }
    // A token for this call is, and the server's where nothing says that it is another's.
    let (_, heard) = asked(true, "", &[own, ("FARCALL_TOKEN", TOKEN)], None).await;
    assert!(heard.contains(TOKEN) && !heard.contains(KEPT), "{heard}");
    let (_, heard) = asked(false, "", &[("MCP_BEARER_TOKEN", TOKEN)], None).await;
    assert!(heard.contains(TOKEN), "{heard}");
}

#[tokio::test]
async fn a_hand_off_gets_of_env_what_is_a_consumers_alone() {
    let dotenv = format!("STRIPE_KEY={KEPT}\nFAR_MCP_TOKEN={TOKEN}\n");
    let headers = json!({
        "Authorization": "Bearer ${FAR_MCP_TOKEN}",
        "X-Key": "${STRIPE_KEY}",
        "bad name": "${FAR_MCP_TOKEN}",
    });
    let (seen, heard) = asked(false, &dotenv, &[], Some(headers)).await;
    assert!(heard.contains(TOKEN) && !heard.contains(KEPT), "{heard}");
    assert_eq!(seen.exit, 1, "{}", seen.all());
    seen.says(
        "credentials",
        "broken",
        "wants `STRIPE_KEY`",
        "EXAMPLE_MCP_TOKEN",
    );
    seen.says(
        "hand-off",
        "broken",
        "`bad name` is no name of a header",
        "",
    );
    // Where it is exported, it is meant to be sent.
    let headers = json!({"X-Key": "${STRIPE_KEY}"});
    let (_, heard) = asked(false, "", &[("STRIPE_KEY", TOKEN)], Some(headers)).await;
    assert!(heard.contains(TOKEN), "{heard}");
}
