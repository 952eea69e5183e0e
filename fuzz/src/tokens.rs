//! What callers prove themselves with, and what that is judged by.

use farcall_server::fuzzing::token_opens;

/// The one token that counts here; its private key is gone.
const GOOD: &[u8] = include_bytes!("../corpus/token/good");

/// The key that it is signed with.
const KEYS: &[u8] = include_bytes!("../corpus/keys/good");

/// No token opens but the one that was signed, to the letter.
pub(crate) fn token(data: &[u8]) {
    let Ok(token) = str::from_utf8(data) else {
        return;
    };
    let is_good = data == GOOD;
    assert_eq!(token_opens(KEYS, token), is_good, "`{token}`");
}

/// Whatever is published, a token counts or does not; one that nobody signed never does.
pub(crate) fn keys(data: &[u8]) {
    let Ok(token) = str::from_utf8(GOOD) else {
        return;
    };
    token_opens(data, token);
    let unsigned = token.rsplit_once('.').map_or(token, |(message, _)| message);
    assert!(
        !token_opens(data, &format!("{unsigned}.")),
        "a token without a signature"
    );
    assert!(
        !token_opens(data, &format!("{unsigned}.AAAA")),
        "a token with another signature"
    );
}
