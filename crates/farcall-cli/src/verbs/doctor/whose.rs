//! Of whom a URL is, which decides what may be sent there.

use url::Url;

use crate::client::is_loopback;

/// Of whom a URL is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// The server that is configured here, which may have what is in `.env`.
    Own,
    /// Another server than that.
    Foreign,
    /// Nothing here says where the own server is, if there is one.
    Unknown,
}

impl Whose {
    /// Of whom `url` is, where the server here is at `public`; `is_configured` says whether there is one here.
    pub(super) fn of(url: &str, public: Option<&str>, is_configured: bool) -> Self {
        if is_own(url, public) {
            Self::Own
        } else if is_configured || public.is_some() {
            Self::Foreign
        } else {
            Self::Unknown
        }
    }
}

/// Whether `url` is where the server of this configuration is: its public origin, or this machine.
fn is_own(url: &str, public: Option<&str>) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    is_loopback(&url)
        || public
            .and_then(|public| Url::parse(public).ok())
            .is_some_and(|public| public.origin() == url.origin())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_server_is_at_its_public_origin_or_on_this_machine() {
        let public = Some("https://a.example.com");
        for (url, expected) in [
            ("https://a.example.com/mcp", true),
            ("http://127.0.0.1:8900/mcp", true),
            ("http://[::1]:1/mcp", true),
            ("https://a.example.com:444/mcp", false),
            ("https://b.example.com/mcp", false),
            ("http://a.example.com/mcp", false),
        ] {
            let expected = if expected { Whose::Own } else { Whose::Foreign };
            assert_eq!(Whose::of(url, public, false), expected, "{url}");
        }
        for (is_configured, expected) in [(true, Whose::Foreign), (false, Whose::Unknown)] {
            let whose = Whose::of("https://b.example.com/mcp", None, is_configured);
            assert_eq!(whose, expected);
        }
    }
}
