//! What comes of how a server is written into a client: its type, its token, its variables.

use super::{super::Meaning, known};

/// Messages of clients about their own entry.
pub(in crate::verbs::doctor::message) const ENTRY: &[Meaning] = &[
    known(
        &[
            &["dynamic client registration"],
            &["invalid oauth error response"],
            &["oauth", "registration", "404"],
            &["sdk auth failed"],
        ],
        "the client got 401, took that for OAuth and looked for where to register; the server has a token and no OAuth, so the token was not sent or is not the server's",
        "put the header into the client's entry, \"headers\": {\"Authorization\": \"Bearer ${EXAMPLE_MCP_TOKEN}\"}, and set that variable where the client is started; then start the client again",
    ),
    known(
        &[
            &["does not adhere to mcp server configuration schema"],
            &["unknown mcp server type"],
            &["invalid mcp server type"],
            &["unknown type", "streamablehttp"],
            &["unknown type", "streamable-http"],
            &["unknown transport", "streamablehttp"],
            &["unknown transport", "streamable-http"],
            &["type", "streamablehttp", "expected"],
            &["type", "streamable-http", "expected"],
            &["type", "streamablehttp", "invalid option"],
            &["invalid option", "stdio"],
            &["invalid enum value", "stdio"],
            &["invalid discriminator value", "stdio"],
        ],
        "clients call Streamable HTTP by different names in `type`; `streamableHttp` is the guide's and nanobot's, and Claude Code and Gemini CLI know `http`",
        "write \"type\": \"http\" for Claude Code, Gemini CLI, Copilot and VS Code; Cline: streamableHttp; Roo: streamable-http; Goose: streamable_http; opencode: remote",
    ),
    known(
        &[&["no bearer token was sent"], &["no credential was sent"]],
        "the client did not send the header `Authorization`",
        "put it into the client's entry and set its variable; some clients read another key: Codex takes bearer_token_env_var, and ignores a table `headers`",
    ),
    known(
        &[&["bearer token is not known here"], &["invalid_token"]],
        "a token was sent, and it is none of this server: changed, revoked, cut off, or a placeholder that nobody filled in",
        "compare it with MCP_BEARER_TOKEN of the server, or make one: farcall token create NAME; set the variable where the client is started, and start that again",
    ),
    known(
        &[
            &["missing environment variable"],
            &["missing environment variables"],
            &["environment variable", "not set"],
            &["environment variable", "not found"],
            &["bearer ${"],
        ],
        "the client's entry names a variable that is not set where the client was started",
        "export it there, or put it into the client's own `.env`; programs with windows do not read the shell's profile",
    ),
];
