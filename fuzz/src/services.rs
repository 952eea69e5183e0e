//! Requests to services of others, and the documents that describe them.

use std::collections::HashSet;

use farcall_config::{
    file::{Body, Entry},
    fuzzing::farcall_toml,
};
use farcall_core::JsonObject;
use farcall_wrap::fuzzing;
use percent_encoding::percent_decode_str;
use serde_json::json;
use url::Url;

use crate::{records, stand_in};

/// A request goes where the file says whatever callers say: a value is part of one segment, or of the value of
/// one pair, and no segment leads elsewhere.
pub(crate) fn request(data: &[u8]) {
    let Some([base_url, path, query, a, b]) = records(data) else {
        return;
    };
    // One that the request does not name would be a fault of the file.
    let declared = ["a", "b"]
        .iter()
        .filter(|name| {
            [path, query]
                .iter()
                .any(|text| text.contains(&format!("{{{name}}}")))
        })
        .map(|name| format!("params.{name} = {{ type = \"string\", description = \"A.\" }}\n"))
        .collect::<Vec<_>>()
        .concat();
    let file = format!(
        "[service.s]\nbase_url = {}\n[tool.t]\ndescription = \"T.\"\n\
         request = {{ service = \"s\", path = {}, query = {{ q = {} }} }}\n{declared}",
        json!(base_url),
        json!(path),
        json!(query)
    );
    let Ok(project) = farcall_toml(file.as_bytes()) else {
        return;
    };
    let (Some(service), Some(Entry::Tool(tool))) =
        (project.services.get("s"), project.entries.first())
    else {
        return;
    };
    let Body::Request(request) = &tool.body else {
        return;
    };
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    if [path, query, &decoded(base_url)]
        .iter()
        .any(|text| stand_in::is_in(text))
    {
        return;
    }
    let url = |a: &str, b: &str| {
        let said = JsonObject::from_iter([("a".to_owned(), a.into()), ("b".to_owned(), b.into())]);
        fuzzing::url(request, &tool.parameters, &said, &service.base_url)
    };
    let letters = [stand_in::letter(0), stand_in::letter(1)].map(String::from);
    let (Ok(plain), Ok(url)) = (url(&letters[0], &letters[1]), url(a, b)) else {
        return;
    };
    let values = [a, b];
    let place = |url: &Url| {
        let mut url = url.clone();
        url.set_path("");
        url.set_query(None);
        url
    };
    assert_eq!(place(&url), place(&plain), "it goes elsewhere");
    let segments = |url: &Url| url.path().split('/').map(decoded).collect::<Vec<_>>();
    let expected: Vec<_> = segments(&plain)
        .iter()
        .map(|plain| stand_in::replaced(plain, &values))
        .collect();
    assert_eq!(segments(&url), expected, "{url}");
    for (plain, segment) in segments(&plain).iter().zip(segments(&url)) {
        if stand_in::is_in(plain) {
            let leads_elsewhere = segment
                .split(['/', '\\'])
                .any(|part| matches!(part, "." | ".."));
            assert!(!segment.is_empty() && !leads_elsewhere, "{url}");
        }
    }
    let pairs = |url: &Url| {
        let pairs = url.query_pairs();
        pairs
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect::<Vec<_>>()
    };
    let expected: Vec<_> = pairs(&plain)
        .into_iter()
        .map(|(name, value)| (name, stand_in::replaced(&value, &values)))
        .collect();
    assert_eq!(pairs(&url), expected, "{url}");
}

/// Of a document come tools that clients take, each with a name of its own, or reasons why not.
pub(crate) fn openapi(data: &[u8]) {
    match fuzzing::openapi(data) {
        Err(faults) => {
            assert!(!faults.is_empty(), "it is refused without a reason");
            assert!(faults.iter().all(|fault| !fault.is_empty()));
        }
        Ok(tools) => {
            assert!(!tools.is_empty(), "there is nothing and no reason");
            let mut names = HashSet::new();
            for tool in &tools {
                let declaration = &tool.declaration;
                let name = declaration.name.as_str();
                let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
                assert!(
                    (1..=64).contains(&name.len()) && name.bytes().all(is_of_names),
                    "{name:?}"
                );
                assert!(names.insert(name), "{name} is there twice");
                assert!(
                    !declaration.description.trim().is_empty(),
                    "{name} says nothing"
                );
                let schema = json!(declaration.input_schema).to_string();
                assert!(
                    schema.len() <= 256 << 10,
                    "{name} has {} bytes of schema",
                    schema.len()
                );
                assert!(
                    !schema.contains("\"$ref\":\"http"),
                    "{name} leads to elsewhere: {schema}"
                );
            }
        }
    }
}
