//! What callers prove themselves with, and what that is judged by.

use std::sync::LazyLock;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use farcall_server::fuzzing::{access_caller, named_caller, token_opens};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::spelled_out;

/// The one token that counts here; its private key is gone.
const GOOD: &[u8] = include_bytes!("../corpus/token/good");

/// The key that it is signed with.
const KEYS: &[u8] = include_bytes!("../corpus/keys/good");

/// What an assertion says that opens.
const SAID: [(u8, &str); 3] = [
    (b'k', r#""alg":"EdDSA","kid":"k""#),
    (b'a', "https://farm.example.com/mcp"),
    (
        b'o',
        r#""iss":"https://as.example.com","exp":1800000000,"type":"app","sub":"7335""#,
    ),
];

/// The end of 2026, in seconds: the time of the server here.
const NOW: f64 = 1_798_761_600.0;

/// Two callers have a token each, and nothing else opens: not what is nearly one, not what is over, not two
/// of them.
pub(crate) fn authorization(data: &[u8]) {
    let mut headers = HeaderMap::new();
    let lines = data.split(|byte| *byte == b'\n');
    for value in lines.filter_map(|line| HeaderValue::from_bytes(line).ok()) {
        headers.append(AUTHORIZATION, value);
    }
    let Some(caller) = named_caller(&headers) else {
        return;
    };
    let letter = &caller[..1];
    let token = format!("fc_{}_{}", letter.repeat(12), letter.repeat(43));
    let sent: Vec<_> = headers.get_all(AUTHORIZATION).iter().collect();
    let is_it = |value: &HeaderValue| {
        let value = value.to_str().unwrap_or_default();
        let (scheme, rest) = value.split_at_checked(7).unwrap_or_default();
        scheme.eq_ignore_ascii_case("bearer ") && rest.trim() == token
    };
    assert!(
        matches!(sent[..], [value] if is_it(value)),
        "{sent:?} opens for {caller}"
    );
    assert!(["ann", "bob"].contains(&caller.as_str()), "{caller}");
}

/// No token opens but the one that was signed, to the letter. `%h`, `%c` and `%s` are its header, its claims and
/// its signature.
pub(crate) fn token(data: &[u8]) {
    let good = str::from_utf8(GOOD).unwrap_or_default();
    let mut parts = good.split('.');
    let words = [b'h', b'c', b's'].map(|letter| (letter, parts.next().unwrap_or_default()));
    let Ok(token) = String::from_utf8(spelled_out(data, &words)) else {
        return;
    };
    assert_eq!(token_opens(KEYS, &token), token == good, "`{token}`");
}

/// Whatever is published, no token opens that nobody has signed. `%k` is what a key has to have.
pub(crate) fn keys(data: &[u8]) {
    let key = r#""kty":"RSA","kid":"k","n":"AQAB","e":"AQAB""#;
    let set = spelled_out(data, &[(b'k', key)]);
    let parts = str::from_utf8(GOOD)
        .ok()
        .and_then(|good| good.rsplit_once('.'));
    let Some((message, signature)) = parts else {
        panic!("the good token has no signature");
    };
    assert!(
        !token_opens(&set, &format!("{message}.")),
        "a token without a signature opens"
    );
    let other = format!("{message}.{}", signature.replace('a', "b"));
    assert!(
        !token_opens(&set, &other),
        "a token with another signature opens"
    );
}

/// What Cloudflare's edge signs for somebody else, for another time, or in another way opens nothing, and
/// whom it names is the caller. Here it signs whatever it is given; `%k`, `%a` and `%o` are the names of its key,
/// of this server, and all else that it says.
pub(crate) fn assertion(data: &[u8]) {
    static EDGE: LazyLock<Option<(Ed25519KeyPair, String)>> = LazyLock::new(|| {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[1; 32]).ok()?;
        let x = BASE64_URL_SAFE_NO_PAD.encode(pair.public_key());
        let key = json!({"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x});
        Some((pair, json!({"keys": [key]}).to_string()))
    });
    let Some((pair, keys)) = &*EDGE else {
        panic!("there is no key");
    };
    let mut parts = data
        .splitn(2, |byte| *byte == b'\n')
        .map(|part| spelled_out(part, &SAID));
    let (header, claims) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let encode = |part: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(part);
    let message = format!("{}.{}", encode(&header), encode(&claims));
    let signature = encode(pair.sign(message.as_bytes()).as_ref());
    let Some(caller) = access_caller(keys.as_bytes(), &format!("{message}.{signature}")) else {
        return;
    };
    let (Ok(header), Ok(claims)) = (
        serde_json::from_slice(&header),
        serde_json::from_slice(&claims),
    ) else {
        // A number that no `f64` holds is JSON all the same, and nobody reads it.
        let is_json = |part: &[u8]| serde_json::from_slice::<IgnoredAny>(part).is_ok();
        assert!(
            is_json(&header) && is_json(&claims),
            "what is no JSON opens for {caller}"
        );
        return;
    };
    assert!(is_ours(&header), "{header} opens for {caller}");
    assert!(is_for_us(&claims), "{claims} opens for {caller}");
    assert_eq!(Some(caller), named(&claims), "{claims}");
}

/// Whether a token with this header is one to look at.
fn is_ours(header: &Value) -> bool {
    let types = ["jwt", "at+jwt", "application/jwt", "application/at+jwt"];
    let is_known = |typ: &Value| {
        let typ = typ.as_str().map(str::to_ascii_lowercase);
        typ.is_none_or(|typ| types.contains(&typ.as_str()))
    };
    header.is_object()
        && header.get("crit").is_none()
        && header["alg"] == "EdDSA"
        && header["kid"] == "k"
        && header.get("typ").is_none_or(is_known)
}

/// Whether these claims are of the right issuer, for this server, and of now.
fn is_for_us(claims: &Value) -> bool {
    let audience = "https://farm.example.com/mcp";
    let audiences = &claims["aud"];
    let is_one = |audiences: &Vec<Value>| audiences.iter().any(|one| one == audience);
    let is_audience = audiences == audience || audiences.as_array().is_some_and(is_one);
    let end = claims["exp"].as_f64();
    let begin = claims["nbf"].as_f64();
    claims.is_object()
        && claims["iss"] == "https://as.example.com"
        && claims["type"] == "app"
        && is_audience
        && end.is_some_and(|end| end > NOW - 60.0)
        && begin.is_none_or(|begin| begin <= NOW + 60.0)
}

/// Whom they name.
fn named(claims: &Value) -> Option<String> {
    let is_name = |name: &&str| {
        (1..=320).contains(&name.len())
            && name.trim() == *name
            && !name.chars().any(char::is_control)
    };
    let named = |claim: &str| claims[claim].as_str().filter(is_name);
    let service = named("common_name").map(|name| format!("access:service:{name}"));
    let person = || Some(format!("access:person:{}", named("email")?.to_lowercase()));
    let subject = || Some(format!("access:sub:{}", named("sub")?));
    service.or_else(person).or_else(subject)
}
