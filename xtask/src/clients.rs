//! The reference of clients: what each is told of a server, and whether that was tried.

use std::fmt::Write as _;

use farcall_server::connect::{Auth, CLIENTS, Client, Registration, Secrets, Tool, Tried};

const ABOUT: &str = "
What `farcall handoff --client NAME` prints for the example server, with a token as what callers send. With `--auth
cloudflare` the two headers of an Access service token stand in its place; where nobody is asked, or clients log in
by OAuth, there are no headers. [How to hand a server over](../guide/connect.md).

Clients change. Those that were run read the block that stands here, in the version that is named, in the acceptance
tests; of the others the form was read, and nobody has seen them take it.

";

/// The page.
pub(crate) fn page(generated: &str) -> String {
    let server = example();
    let mut page = format!("# Clients\n\n{generated}{ABOUT}");
    page.push_str("| client | `--client` | secrets | run |\n| --- | --- | --- | --- |\n");
    for client in &CLIENTS {
        let run = match client.tried {
            Tried::Run(version, did) => format!("{version}: {did}"),
            Tried::NotRun(why) => format!("**not run**: {why}"),
        };
        let secrets = match client.secrets {
            Secrets::Asked => "it asks",
            Secrets::Environment => "from its environment",
            Secrets::Written => "written into the file",
        };
        let Client { id, name, .. } = client;
        let _ = writeln!(page, "| {name} | `{id}` | {secrets} | {run} |");
    }
    for client in &CLIENTS {
        let _ = write!(
            page,
            "\n## {}\n\n{}",
            client.name,
            server.in_markdown(client)
        );
    }
    page
}

fn example() -> Registration {
    let tools = [
        "add",
        "echo",
        "start_render",
        "get_render_status",
        "get_render_result",
    ];
    Registration {
        name: "example-mcp".to_owned(),
        version: String::new(),
        title: None,
        url: "https://example-mcp.example.com/mcp".to_owned(),
        auth: Auth::Bearer,
        tools: Some(
            tools
                .map(|name| Tool {
                    name: name.to_owned(),
                    description: String::new(),
                })
                .to_vec(),
        ),
        keeps_contract: true,
    }
}
