//! How headers that say who asks are written: in the entry of a client, and on the command line.

use crate::client::one_line;

/// One of them.
struct Known {
    name: &'static str,
    /// What stands before the value.
    scheme: &'static str,
    /// The variable that a consumer of `example-mcp` has the value in.
    variable: &'static str,
}

const KNOWN: &[Known] = &[
    Known {
        name: "Authorization",
        scheme: "Bearer ",
        variable: "EXAMPLE_MCP_TOKEN",
    },
    Known {
        name: "CF-Access-Client-Id",
        scheme: "",
        variable: "EXAMPLE_CF_CLIENT_ID",
    },
    Known {
        name: "CF-Access-Client-Secret",
        scheme: "",
        variable: "EXAMPLE_CF_CLIENT_SECRET",
    },
];

fn known(header: &str) -> Option<&'static Known> {
    let mut known = KNOWN.iter();
    known.find(|known| header.trim().eq_ignore_ascii_case(known.name))
}

/// Whether it is one of them.
pub(in crate::verbs::doctor) fn is_known(header: &str) -> bool {
    known(header).is_some()
}

/// As most clients have it.
pub(in crate::verbs::doctor) fn in_json(header: &str) -> String {
    match known(header) {
        Some(known) => format!(
            "\"{}\": \"{}${{{}}}\"",
            known.name, known.scheme, known.variable
        ),
        None => format!("\"{}\": \"${{EXAMPLE_MCP_TOKEN}}\"", one_line(header)),
    }
}

/// As Codex has it, which is told the names of variables alone.
pub(in crate::verbs::doctor) fn in_toml(header: &str) -> String {
    match known(header) {
        Some(known) if known.scheme.is_empty() => {
            let (name, variable) = (known.name, known.variable);
            format!("env_http_headers = {{ \"{name}\" = \"{variable}\" }}")
        }
        Some(known) => format!("bearer_token_env_var = \"{}\"", known.variable),
        None => {
            let name = one_line(header);
            format!("env_http_headers = {{ \"{name}\" = \"EXAMPLE_MCP_TOKEN\" }}")
        }
    }
}

/// As it is sent from here. Any other name is a stranger's, and stands in no command that somebody may copy.
pub(in crate::verbs::doctor) fn as_flag(header: &str) -> String {
    let (name, scheme) = match known(header) {
        Some(known) => (known.name, known.scheme),
        None => ("Name", ""),
    };
    format!("--header '{name}: {scheme}${{VARIABLE}}'")
}

/// The one that is meant by a name which is none of a header, or the usual one.
pub(super) fn meant(name: &str) -> &'static str {
    let letters = |text: &str| text.replace(|sign: char| !sign.is_ascii_alphabetic(), "");
    let is_meant = |known: &&Known| letters(name).eq_ignore_ascii_case(&letters(known.name));
    let meant = KNOWN.iter().find(is_meant);
    meant.map_or("Authorization", |known| known.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_header_is_written_by_its_own_name() {
        assert_eq!(meant("bad name"), "Authorization");
        assert_eq!(
            ["authorization", "cf-access-client-id ", "X-Api-Key"].map(in_json),
            [
                "\"Authorization\": \"Bearer ${EXAMPLE_MCP_TOKEN}\"",
                "\"CF-Access-Client-Id\": \"${EXAMPLE_CF_CLIENT_ID}\"",
                "\"X-Api-Key\": \"${EXAMPLE_MCP_TOKEN}\"",
            ]
        );
        assert_eq!(
            ["authorization", "cf-access-client-secret", "X-Api-Key"].map(in_toml),
            [
                "bearer_token_env_var = \"EXAMPLE_MCP_TOKEN\"",
                "env_http_headers = { \"CF-Access-Client-Secret\" = \"EXAMPLE_CF_CLIENT_SECRET\" }",
                "env_http_headers = { \"X-Api-Key\" = \"EXAMPLE_MCP_TOKEN\" }",
            ]
        );
        assert_eq!(
            ["authorization", "cf-access-client-id", "x-key'; ls; '"].map(as_flag),
            [
                "--header 'Authorization: Bearer ${VARIABLE}'",
                "--header 'CF-Access-Client-Id: ${VARIABLE}'",
                "--header 'Name: ${VARIABLE}'",
            ]
        );
        assert_eq!(
            ["CF-Access-Client-Id:", "cf access client secret"].map(meant),
            ["CF-Access-Client-Id", "CF-Access-Client-Secret"]
        );
    }
}
