//! Signed links: the query of a URL that opens one file for a while.

use farcall_core::{clock::Timestamp, id::JobId};
use farcall_jobs::{LinkKeys, links::Opening};

/// What a request's query says about the file that it opens.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Link<'a>(Option<Claims<'a>>);

#[derive(Debug, PartialEq, Eq)]
struct Claims<'a> {
    until: i64,
    key: &'a str,
    signature: [u8; 32],
}

impl<'a> Link<'a> {
    /// The link that `query` is; `None` where it says nothing that a link says. One that is not well
    /// formed opens nothing.
    pub(crate) fn of(query: &'a str) -> Option<Self> {
        let (mut until, mut key, mut signature) = (None, None, None);
        let (mut is_link, mut is_whole) = (false, true);
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let place = match name {
                "exp" => &mut until,
                "kid" => &mut key,
                "sig" => &mut signature,
                _ => continue,
            };
            is_link = true;
            // Twice, and it were a matter of taste which counts.
            is_whole &= place.replace(value).is_none();
        }
        let claims = || {
            Some(Claims {
                until: seconds(until?)?,
                key: key?,
                signature: bytes(signature?)?,
            })
        };
        is_link.then(|| Self(is_whole.then(claims).flatten()))
    }

    /// Whether it can be read, and its time is up.
    pub(super) fn has_expired(&self, now: Timestamp) -> bool {
        self.0.is_some() && self.is_over(now)
    }

    /// Whether its time is up, or it is none that could be read.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        let until = self.0.as_ref().map(|claims| claims.until);
        until.is_none_or(|until| until.saturating_mul(1_000) <= now.0)
    }

    /// Whether it was made for this file of this owner.
    pub(crate) fn opens(
        &self,
        keys: &LinkKeys,
        job: JobId,
        name: Option<&str>,
        owner: &str,
        now: Timestamp,
    ) -> bool {
        let Some(claims) = self.0.as_ref().filter(|_| !self.is_over(now)) else {
            return false;
        };
        let opening = Opening {
            job,
            name,
            owner,
            until: claims.until,
        };
        keys.verify(&opening, claims.key, &claims.signature)
    }
}

/// Digits alone, and none too many of them: a time has one form.
fn seconds(text: &str) -> Option<i64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    is_number.then(|| text.parse().ok()).flatten()
}

/// 64 lower-case hexadecimal digits.
fn bytes(text: &str) -> Option<[u8; 32]> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let pairs: &[[u8; 2]; 32] = pairs.try_into().ok()?;
    let mut bytes = [0; 32];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

fn digit(sign: u8) -> Option<u8> {
    match sign {
        b'0'..=b'9' => Some(sign - b'0'),
        b'a'..=b'f' => Some(sign - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNATURE: &str = "00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff";

    #[test]
    fn a_link_says_each_of_three_things_once_in_any_order() {
        for query in [
            format!("exp=5&kid=k&sig={SIGNATURE}"),
            format!("sig={SIGNATURE}&x=1&kid=k&exp=5&"),
        ] {
            let link = Link::of(&query).unwrap();
            let claims = link.0.unwrap();
            assert_eq!((claims.until, claims.key), (5, "k"), "{query}");
            assert_eq!(claims.signature[..2], [0x00, 0xff], "{query}");
        }
    }

    #[test]
    fn a_query_of_something_else_is_no_link() {
        for query in ["", "name=x", "expires=5", "Sig=1", "x=sig"] {
            assert_eq!(Link::of(query), None, "{query}");
        }
    }

    #[test]
    fn what_is_not_well_formed_opens_nothing() {
        for query in [
            "sig".to_owned(),
            format!("kid=k&sig={SIGNATURE}"),
            format!("exp=5&sig={SIGNATURE}"),
            "exp=5&kid=k".to_owned(),
            format!("exp=5&kid=k&sig={SIGNATURE}&exp=5"),
            format!("exp=&kid=k&sig={SIGNATURE}"),
            format!("exp=+5&kid=k&sig={SIGNATURE}"),
            format!("exp=05&kid=k&sig={SIGNATURE}"),
            format!("exp=-5&kid=k&sig={SIGNATURE}"),
            format!("exp=5.0&kid=k&sig={SIGNATURE}"),
            format!("exp=99999999999999999999&kid=k&sig={SIGNATURE}"),
            format!("exp=5&kid=k&sig={}", SIGNATURE.to_ascii_uppercase()),
            format!("exp=5&kid=k&sig={SIGNATURE}0"),
            format!("exp=5&kid=k&sig={SIGNATURE}00"),
            format!("exp=5&kid=k&sig=%30{}", &SIGNATURE[1..]),
            format!("exp=5&kid=k&sig={}", &SIGNATURE[2..]),
        ] {
            assert_eq!(Link::of(&query), Some(Link(None)), "{query}");
        }
    }
}
