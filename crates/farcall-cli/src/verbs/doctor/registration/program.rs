//! An entry that starts a program, `mcp-remote`, which calls the server.

use serde_json::Value;

use super::{MOST, Registration, Substitution, forms::enabled};
use crate::verbs::doctor::placeholder::LONGEST;

/// An entry that starts `mcp-remote`, as Claude Desktop's does. Its arguments name variables of its environment: those
/// of the entry's own `env`, and those that the client has.
pub(super) fn of(name: &str, entry: &Value) -> Option<Registration> {
    let arguments = entry.get("args")?.as_array()?.iter();
    let arguments: Vec<_> = arguments.filter_map(Value::as_str).collect();
    let is_remote = |argument: &&str| {
        let name = argument.strip_prefix("mcp-remote");
        name.is_some_and(|version| version.is_empty() || version.starts_with('@'))
    };
    let program = arguments.iter().position(is_remote)?;
    let url = arguments.get(program + 1)?;
    let env = entry.get("env");
    let options = arguments.windows(2);
    // One more than there may be, so that they are counted as too many, and not put together for that.
    let options = options.filter(|pair| pair[0] == "--header").take(MOST + 1);
    let (mut headers, mut left) = (Vec::new(), Vec::new());
    for (name, value) in options.filter_map(|pair| pair[1].split_once(':')) {
        let (value, is_whole) = filled(value.trim(), env);
        if !is_whole {
            left.push(name.to_owned());
        }
        headers.push((name.to_owned(), value));
    }
    Some(Registration {
        name: name.to_owned(),
        url: (*url).to_owned(),
        headers,
        enabled: enabled(name, entry),
        substitution: Substitution::Program,
        left,
        is_ignored: false,
    })
}

/// A value with what `env` says in the place of each variable, taken as it is; and whether nothing of that is still to be
/// filled in.
fn filled(value: &str, env: Option<&Value>) -> (String, bool) {
    let (mut said, mut rest, mut is_whole) = (String::new(), value, true);
    while let Some((before, behind)) = rest.split_once("${")
        && let Some((name, after)) = behind.split_once('}')
    {
        said.push_str(before);
        match env.and_then(|env| env.get(name)?.as_str()) {
            Some(own) if said.len() + own.len() <= LONGEST => {
                said.push_str(own);
                is_whole &= !names_variable(own);
            }
            Some(_) => is_whole = false,
            None => said.extend(["${", name, "}"]),
        }
        rest = after;
    }
    said.push_str(rest);
    (said, is_whole)
}

/// Whether a text holds a bare `${NAME}`. `${input:NAME}` and `${env:NAME}` are of clients that put values in their place,
/// also below `env`.
fn names_variable(text: &str) -> bool {
    let placeholders = text.split("${").skip(1);
    let mut names = placeholders.filter_map(|rest| rest.split_once('}'));
    names.any(|(name, _)| !name.starts_with("input:") && !name.starts_with("env:"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::{super::forms::entries, *};

    const URL: &str = "https://farm.example.com/mcp";

    fn program(authorization: &str, env: &Value) -> Registration {
        let header = format!("Authorization: {authorization}");
        let args = ["mcp-remote", URL, "--header", &header];
        let entry = json!({"command": "npx", "args": args, "env": env});
        of("farm-mcp", &entry).unwrap()
    }

    #[test]
    fn what_env_says_is_taken_as_it_is_and_other_variables_are_of_the_client() {
        for (env, value, is_left, is_sent) in [
            (json!({}), "Bearer ${A}", false, 1),
            (json!({"A": "a"}), "Bearer a", false, 1),
            (json!({"A": "${B}"}), "Bearer ${B}", true, 0),
            (json!({"A": "${B}", "B": "b"}), "Bearer ${B}", true, 0),
            (json!({"B": "${C}"}), "Bearer ${A}", false, 1),
            (
                json!({"A": "${input:token}"}),
                "Bearer ${input:token}",
                false,
                1,
            ),
            (json!({"A": "${env:B}"}), "Bearer ${env:B}", false, 1),
            (json!({"A": "${env:B}${C}"}), "Bearer ${env:B}${C}", true, 0),
        ] {
            let entry = program("Bearer ${A}", &env);
            assert_eq!(entry.headers[0].1, value);
            assert_eq!(!entry.left.is_empty(), is_left, "{value}");
            assert_eq!(entry.sent().len(), is_sent, "{value}");
        }
    }

    #[test]
    fn what_a_small_hand_off_says_stays_small() {
        // Each names the next one twice: expanded to the end, it would be 2 to the power of 35.
        let env: Map<_, _> = (0..35)
            .map(|index| {
                (
                    format!("A{index}"),
                    "${A}${A}".replace('A', &format!("A{}", index + 1)),
                )
            })
            .map(|(name, value)| (name, Value::String(value)))
            .collect();
        let entry = program("${A0}", &Value::Object(env));
        assert_eq!(entry.headers[0].1, "${A1}${A1}");
        // And what is said once below `env` is not repeated without end.
        let entry = program(&"${A}".repeat(10_000), &json!({"A": "x".repeat(10_000)}));
        assert!(entry.headers[0].1.len() <= LONGEST && entry.sent().is_empty());
        let headers: Map<_, _> = (0..=MOST)
            .map(|index| (format!("x-{index}"), json!("")))
            .collect();
        let text = json!({"a": {"url": URL, "headers": headers}}).to_string();
        assert!(
            entries(&text)
                .unwrap_err()
                .contains("more headers than the 100")
        );
    }

    #[test]
    fn what_many_small_entries_say_is_bounded_in_sum() {
        let entry = |index: usize| {
            let args = ["mcp-remote", URL, "--header", "x-a:${A}${A}${A}"];
            let env = json!({"A": "x".repeat(10_000)});
            (format!("a{index}"), json!({"args": args, "env": env}))
        };
        let text = |number: usize| {
            let servers: Map<_, _> = (0..number).map(entry).collect();
            json!({"mcpServers": servers}).to_string()
        };
        // Each says 30,000 bytes.
        assert_eq!(entries(&text(34)).unwrap().len(), 34);
        let why = entries(&text(35)).unwrap_err();
        assert!(why.contains("larger than 1 MiB"), "{why}");
    }
}
