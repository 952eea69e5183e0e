//! Headers that no log may show.

use http::{HeaderMap, HeaderName, header};

/// What carries credentials. The values of these, and of whatever else looks like it, say
/// `Sensitive` in the place of themselves wherever headers are printed, by us or by a library.
const NAMES: [HeaderName; 5] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("mcp-session-id"),
    HeaderName::from_static("x-api-key"),
];

/// Marks the values that are credentials.
pub(super) fn mark(headers: &mut HeaderMap) {
    for (name, value) in headers.iter_mut() {
        if NAMES.contains(name) || is_telling(name.as_str()) {
            value.set_sensitive(true);
        }
    }
}

/// Whether a name says that its value is a secret: `CF-Access-Client-Secret`, `X-Auth-Token` and the
/// like.
fn is_telling(name: &str) -> bool {
    name.starts_with("cf-access-")
        || ["-secret", "-token", "-key", "-password"]
            .iter()
            .any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn credentials_cannot_be_printed() {
        let mut headers = HeaderMap::new();
        for name in [
            "authorization",
            "cookie",
            "proxy-authorization",
            "cf-access-client-id",
            "cf-access-client-secret",
            "cf-access-jwt-assertion",
            "x-api-key",
            "x-auth-token",
        ] {
            headers.append(name, HeaderValue::from_static("canary"));
            headers.append(name, HeaderValue::from_static("canary"));
        }
        headers.insert("accept", HeaderValue::from_static("seen"));
        mark(&mut headers);
        let printed = format!("{headers:?}");
        assert!(!printed.contains("canary"), "{printed}");
        assert!(printed.contains("seen"), "{printed}");
    }
}
