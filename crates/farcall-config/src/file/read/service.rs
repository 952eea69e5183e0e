//! HTTP services: `[service.NAME]`.

use std::{collections::BTreeMap, time::Duration};

use farcall_core::name::tool_name_fault;
use secrecy::ExposeSecret as _;
use toml::Spanned;
use url::Url;

use super::{
    Reading,
    command::{APART, clear, is_secret_name},
    table::Table,
    template::filled,
};
use crate::file::{
    OpenApi, Service,
    grammar::{
        Key, Section, Shape,
        shapes::{DURATION, TEXTS},
    },
    is_own_header,
};

const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_ANSWER: u64 = 1 << 20;

pub(super) static SERVICE: Section = Section {
    name: "service",
    about: "An HTTP service.",
    groups: &[&[
        Key::required(
            "base_url",
            Shape::Text,
            "Where it is; its host may be reached even at a private address.",
        ),
        Key::optional(
            "headers",
            Shape::Map(&Shape::Secret),
            "Headers of every request; `${NAME}` is a variable of the environment or of `.env`.",
        ),
        Key::with("timeout", DURATION, "10s", "How long one request may take."),
        Key::with("max_answer", Shape::Size, "1MiB", "The largest answer."),
        Key::optional(
            "allowed_addresses",
            TEXTS,
            "Names, addresses and networks, such as `10.0.0.0/8`, that it may lead to although they are not public.",
        ),
        Key::optional(
            "openapi",
            Shape::OneOf(&[Shape::Path, Shape::Section(&OPENAPI)]),
            "Its OpenAPI document, of which tools are made.",
        ),
    ]],
};

static OPENAPI: Section = Section {
    name: "openapi",
    about: "What is taken over from an OpenAPI document.",
    groups: &[&[
        Key::required("document", Shape::Path, "The document, JSON."),
        Key::optional(
            "operations",
            TEXTS,
            "Operations by their operationId; all where nothing is chosen.",
        ),
        Key::optional("tags", TEXTS, "Operations by a tag."),
        Key::optional(
            "names",
            Shape::Map(&Shape::Text),
            "Other names, by operationId.",
        ),
        Key::optional(
            "descriptions",
            Shape::Map(&Shape::Prose),
            "Other descriptions, by operationId.",
        ),
    ]],
};

/// Reads all services; those that are wrong are known by their names.
pub(super) fn read<'t>(
    reading: &Reading<'_>,
    tables: Vec<(Spanned<&'t str>, Table<'t>)>,
) -> BTreeMap<&'t str, Option<Service>> {
    let read = |(name, table): (Spanned<&'t str>, Table<'t>)| {
        let text = *name.get_ref();
        if let Some(reason) = tool_name_fault(text) {
            reading.fault(&name.span(), reason, "use letters, digits, `_` and `-`");
        }
        (text, service(reading, &table))
    };
    tables.into_iter().map(read).collect()
}

fn service(reading: &Reading<'_>, table: &Table<'_>) -> Option<Service> {
    let base_url = table
        .text("base_url")
        .and_then(|text| base_url(reading, &text));
    let mut headers = BTreeMap::new();
    for (name, value) in table.pairs("headers") {
        let text = *name.get_ref();
        header_name(reading, &name);
        let Some(filled) = filled(reading, &value) else {
            continue;
        };
        let is_sendable = filled
            .text
            .expose_secret()
            .bytes()
            .all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte));
        if !is_sendable {
            let message = format!(
                "the header `{}` holds what no header can carry",
                text.escape_debug()
            );
            reading.secret_fault(
                &value.span(),
                message,
                "use visible ASCII characters and spaces, on one line",
            );
        }
        if filled.is_clear && is_secret_name(text) {
            clear(reading, text, &value.span(), APART);
        }
        headers.insert(text.to_owned(), filled.text);
    }
    let timeout = table.duration("timeout").unwrap_or(TIMEOUT);
    let max_answer = table.size("max_answer").unwrap_or(MAX_ANSWER);
    let allowed_addresses = table.strings("allowed_addresses");
    let openapi = table.has("openapi").then(|| openapi(reading, table));
    Some(Service {
        base_url: base_url?,
        headers,
        timeout,
        max_answer,
        allowed_addresses,
        openapi: match openapi {
            Some(openapi) => Some(openapi?),
            None => None,
        },
    })
}

fn base_url(reading: &Reading<'_>, text: &Spanned<&str>) -> Option<Url> {
    let at = text.span();
    let hint = "write scheme, host and path only, for example http://127.0.0.1:9000";
    let Some(url) = Url::parse(text.get_ref()).ok().filter(Url::has_host) else {
        reading.secret_fault(&at, "`base_url` is no URL", hint);
        return None;
    };
    let reason = if !matches!(url.scheme(), "http" | "https") {
        "is no http or https address"
    } else if !url.username().is_empty() || url.password().is_some() {
        "holds a user or a password, which belong in a header"
    } else if url.query().is_some() || url.fragment().is_some() {
        "holds a query or a fragment"
    } else {
        return Some(url);
    };
    reading.secret_fault(&at, format!("`base_url` {reason}"), hint);
    None
}

fn header_name(reading: &Reading<'_>, name: &Spanned<&str>) {
    let (text, at) = (*name.get_ref(), name.span());
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if text.is_empty() || !text.bytes().all(is_token) {
        let message = format!("`{}` is no name of a header", text.escape_debug());
        reading.fault(&at, message, "use letters, digits and `-`");
    } else if is_own_header(text) {
        let message = format!("the header `{text}` belongs to the connection");
        reading.fault(&at, message, "remove it; it is set where it is needed");
    }
}

fn openapi(reading: &Reading<'_>, table: &Table<'_>) -> Option<OpenApi> {
    if !table.is_table("openapi") {
        let document = table.text("openapi")?;
        return Some(OpenApi {
            document: file(reading, &document)?,
            operations: Vec::new(),
            tags: Vec::new(),
            names: BTreeMap::new(),
            descriptions: BTreeMap::new(),
        });
    }
    let table = table.table("openapi")?;
    let document = table.text("document").and_then(|path| file(reading, &path));
    let names = table.pairs("names");
    for (_, name) in &names {
        if let Some(reason) = tool_name_fault(name.get_ref()) {
            reading.fault(
                &name.span(),
                reason,
                "use letters, digits, `_` and `-`, at most 64 of them",
            );
        }
    }
    let owned = |pairs: Vec<(Spanned<&str>, Spanned<&str>)>| {
        let pairs = pairs.into_iter();
        pairs
            .map(|(key, value)| ((*key.get_ref()).to_owned(), (*value.get_ref()).to_owned()))
            .collect()
    };
    Some(OpenApi {
        operations: table.strings("operations"),
        tags: table.strings("tags"),
        names: owned(names),
        descriptions: owned(table.pairs("descriptions")),
        document: document?,
    })
}

/// An existing file, as an absolute path.
fn file(reading: &Reading<'_>, path: &Spanned<&str>) -> Option<std::path::PathBuf> {
    let file = reading.resolve(path.get_ref());
    if file.is_file() {
        return Some(file);
    }
    let message = format!("the document `{}` is not there", path.get_ref());
    let hint =
        "correct the path, which begins at the folder of the file; a document is never fetched";
    reading.fault(&path.span(), message, hint);
    None
}
