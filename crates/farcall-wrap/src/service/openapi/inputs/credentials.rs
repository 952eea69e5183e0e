//! Parameters that are for the operator to say.

use farcall_config::file::is_own_header;
use reqwest::header::HeaderName;
use serde_json::Value;

use super::Collecting;
use crate::service::openapi::document::text;

/// Headers that say who asks, or that OpenAPI says are no parameters; the file sets them.
const RESERVED: [&str; 9] = [
    "accept",
    "api-key",
    "authorization",
    "content-type",
    "cookie",
    "proxy-authorization",
    "x-api-key",
    "x-auth-token",
    "x-csrf-token",
];

impl Collecting<'_> {
    /// Whether it is for the operator to say: who asks, or what belongs to the connection.
    pub(super) fn is_credential(&self, name: &str, place_of: &str) -> bool {
        let schemes = self.document.root().pointer("/components/securitySchemes");
        let mut schemes = schemes.and_then(Value::as_object).into_iter().flatten();
        let is_key = schemes.any(|(_, scheme)| {
            let is_named = text(scheme, "name").is_some_and(|key| key.eq_ignore_ascii_case(name));
            is_named && text(scheme, "in") == Some(place_of)
        });
        match place_of {
            "cookie" => true,
            "header" => {
                let name = name.to_ascii_lowercase();
                let header = name.parse::<HeaderName>().ok();
                is_key
                    || RESERVED.contains(&&*name)
                    || header.is_some_and(|header| {
                        is_own_header(header.as_str()) || self.client.sets(&header)
                    })
            }
            _ => is_key,
        }
    }

    /// Whether every request has it, or gets it from what is sent.
    pub(super) fn is_set(&self, name: &str, place_of: &str) -> bool {
        let header = name.parse::<HeaderName>().ok();
        place_of == "header"
            && header.is_some_and(|header| {
                header == "content-type"
                    || is_own_header(header.as_str())
                    || self.client.sets(&header)
            })
    }
}
