//! Tokens that must open nothing, made of claims that would.

use aws_lc_rs::{
    hmac,
    signature::{RSA_PKCS1_SHA384, RSA_PSS_SHA256},
};
use farcall::json;
use serde_json::Value;

use super::{Signer, encoded, seconds};

/// What is wrong with a token, and the token.
pub(crate) type Forgery = (String, String);

/// Tokens that are wrong whatever the server expects them to say. Among them are a dozen that name
/// keys which nobody has published.
pub(crate) fn of(claims: &Value) -> Vec<Forgery> {
    let mut all = Vec::new();
    all.extend(algorithms(claims));
    all.extend(keys(claims));
    all.extend(headers(claims));
    all.extend(shapes(claims));
    all.extend(texts(claims));
    all.extend(times(claims));
    all
}

fn named(list: impl IntoIterator<Item = (&'static str, String)>) -> Vec<Forgery> {
    let list = list.into_iter();
    list.map(|(what, token)| (what.to_owned(), token)).collect()
}

/// The claims with some of them changed; `null` takes one away.
pub(crate) fn with(claims: &Value, changes: Value) -> Value {
    let mut claims = claims.clone();
    let object = claims.as_object_mut().unwrap();
    let Value::Object(changes) = changes else {
        panic!("`{changes}` are no claims");
    };
    for (name, value) in changes {
        match value {
            Value::Null => drop(object.remove(&name)),
            value => drop(object.insert(name, value)),
        }
    }
    claims
}

fn unsigned(header: &Value, claims: &Value) -> String {
    format!(
        "{}.{}.",
        encoded(header.to_string()),
        encoded(claims.to_string())
    )
}

/// A token with a symmetric signature.
fn shared(secret: &[u8], claims: &Value) -> String {
    let header = with(&Signer::today().header(), json!({"alg": "HS256"}));
    let token = unsigned(&header, claims);
    let message = token.trim_end_matches('.');
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    format!(
        "{message}.{}",
        encoded(hmac::sign(&key, message.as_bytes()))
    )
}

fn algorithms(claims: &Value) -> Vec<Forgery> {
    let signer = Signer::today();
    let (head, text) = (signer.header(), claims.to_string());
    let of = |algorithm: &str| with(&head, json!({"alg": algorithm}));
    let right = signer.token(claims);
    let (_, signature) = right.rsplit_once('.').unwrap();
    named([
        ("no algorithm, no signature", unsigned(&of("none"), claims)),
        ("`None`", unsigned(&of("None"), claims)),
        ("`NONE`", unsigned(&of("NONE"), claims)),
        (
            "no algorithm, and a signature",
            unsigned(&of("none"), claims) + signature,
        ),
        (
            "HS256 with the public key",
            shared(signer.public_key(), claims),
        ),
        (
            "HS256 with the key as published",
            shared(signer.jwk().to_string().as_bytes(), claims),
        ),
        ("HS256 with nothing", shared(b"", claims)),
        (
            "RS384",
            signer.signed_with(&RSA_PKCS1_SHA384, &of("RS384").to_string(), &text),
        ),
        (
            "PS256",
            signer.signed_with(&RSA_PSS_SHA256, &of("PS256").to_string(), &text),
        ),
        (
            "ES256 over an RSA key",
            signer.signed(&of("ES256").to_string(), &text),
        ),
        (
            "an algorithm in small letters",
            signer.signed(&of("rs256").to_string(), &text),
        ),
        (
            "an algorithm of the future",
            signer.signed(&of("RS257").to_string(), &text),
        ),
        ("an algorithm that is a list", {
            let header = with(&head, json!({"alg": ["RS256"]}));
            signer.signed(&header.to_string(), &text)
        }),
        ("an algorithm twice", {
            let header = format!(r#"{{"alg":"none","alg":"RS256","kid":"{}"}}"#, signer.kid);
            signer.signed(&header, &text)
        }),
        ("an algorithm in another case beside it", {
            let header = format!(r#"{{"Alg":"RS256","kid":"{}"}}"#, signer.kid);
            signer.signed(&header, &text)
        }),
    ])
}

fn keys(claims: &Value) -> Vec<Forgery> {
    let (signer, stranger) = (Signer::today(), Signer::stranger());
    let text = claims.to_string();
    let of = |who: &Signer, changes| who.signed(&with(&who.header(), changes).to_string(), &text);
    let mut all = named([
        ("another's key", stranger.token(claims)),
        (
            "another's key under this name",
            of(stranger, json!({"kid": signer.kid})),
        ),
        ("no key", of(signer, json!({"kid": null}))),
        ("a key without a name", of(signer, json!({"kid": ""}))),
        ("a key that is a number", of(signer, json!({"kid": 0}))),
        (
            "a key that is a path",
            of(signer, json!({"kid": "../keys"})),
        ),
        (
            "a key that is a statement",
            of(signer, json!({"kid": "' OR '1'='1"})),
        ),
        (
            "a key of many letters",
            of(signer, json!({"kid": "k".repeat(4_000)})),
        ),
        (
            "a key with a letter more",
            of(signer, json!({"kid": format!("{}x", signer.kid)})),
        ),
        (
            "a key it brings along",
            of(stranger, json!({"kid": signer.kid, "jwk": stranger.jwk()})),
        ),
        (
            "a key it knows the place of",
            of(stranger, json!({"jku": "http://127.0.0.1:1/keys"})),
        ),
        (
            "a certificate it knows the place of",
            of(stranger, json!({"x5u": "http://127.0.0.1:1/"})),
        ),
        (
            "a certificate it brings along",
            of(stranger, json!({"x5c": ["AAAA"]})),
        ),
        ("a key twice", {
            let header = format!(r#"{{"alg":"RS256","kid":"x","kid":"{}"}}"#, signer.kid);
            signer.signed(&header, &text)
        }),
    ]);
    let flood = (0..10).map(|number| {
        let kid = format!("unknown-{number}");
        (kid.clone(), of(stranger, json!({"kid": kid})))
    });
    all.extend(flood);
    all
}

fn headers(claims: &Value) -> Vec<Forgery> {
    let signer = Signer::today();
    let text = claims.to_string();
    let of = |changes| signer.signed(&with(&signer.header(), changes).to_string(), &text);
    named([
        (
            "an extension that must be understood",
            of(json!({"crit": ["b64"], "b64": false})),
        ),
        ("an unknown extension", of(json!({"crit": ["x"], "x": 1}))),
        (
            "no extension that must be understood",
            of(json!({"crit": []})),
        ),
        ("an extension that is nothing", {
            let header = format!(r#"{{"alg":"RS256","kid":"{}","crit":null}}"#, signer.kid);
            signer.signed(&header, &text)
        }),
        ("an event", of(json!({"typ": "secevent+jwt"}))),
        ("a proof of possession", of(json!({"typ": "dpop+jwt"}))),
        ("a type that is a number", of(json!({"typ": 1}))),
        ("a header that is a list", signer.signed("[]", &text)),
        ("a header that is a word", signer.signed("RS256", &text)),
        ("an empty header", signer.signed("", &text)),
        ("a header of nothing", signer.signed("{}", &text)),
    ])
}

fn shapes(claims: &Value) -> Vec<Forgery> {
    let right = Signer::today().token(claims);
    let parts: Vec<_> = right.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        panic!("{right}")
    };
    let other = encoded(with(claims, json!({"x": 1})).to_string());
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    named([
        ("a dot", ".".to_owned()),
        ("two dots", "..".to_owned()),
        ("a word", "token".to_owned()),
        ("two parts", format!("{header}.{payload}")),
        ("no signature", format!("{header}.{payload}.")),
        ("four parts", format!("{right}.{signature}")),
        (
            "five parts, as if encrypted",
            format!("{header}.x.x.{payload}.{signature}"),
        ),
        ("a dot before it", format!(".{right}")),
        (
            "a signature of another length",
            format!("{header}.{payload}.{}", &signature[4..]),
        ),
        ("a signature with more behind it", format!("{right}AAAA")),
        (
            "a signature with another bit",
            format!("{header}.{payload}.{flipped}{}", &signature[1..]),
        ),
        (
            "the signature of another payload",
            format!("{header}.{other}.{signature}"),
        ),
        (
            "the signature as a header",
            format!("{signature}.{payload}.{header}"),
        ),
        (
            "a signature of zeros",
            format!("{header}.{payload}.{}", encoded([0; 256])),
        ),
        ("padding", format!("{header}.{payload}.{signature}==")),
        (
            "a sign of the other alphabet",
            format!("{header}.{payload}.+{}", &signature[1..]),
        ),
        ("a space within", format!("{header}. {payload}.{signature}")),
        ("a percent sign", right.replacen('.', "%2e", 1)),
        ("quotes around it", format!("\"{right}\"")),
        ("two of them", format!("{right},{right}")),
    ])
}

fn texts(claims: &Value) -> Vec<Forgery> {
    let signer = Signer::today();
    let of = |text: &str| signer.signed(&signer.header().to_string(), text);
    let text = claims.to_string();
    let more = |more: &str| of(&format!("{{{more},{}", &text[1..]));
    named([
        ("no claims", of("")),
        ("claims that are nothing", of("null")),
        ("claims that are a list", of(&json!([claims]).to_string())),
        ("claims that are a text", of(&json!(text).to_string())),
        ("claims and more", of(&format!("{text}{text}"))),
        (
            "an issuer twice",
            more(&format!(r#""iss":{}"#, claims["iss"])),
        ),
        (
            "an audience twice",
            more(&format!(r#""aud":{}"#, claims["aud"])),
        ),
        ("an end twice", more(r#""exp":9999999999"#)),
        (
            "an end twice, spelt otherwise",
            more(r#""\u0065xp":9999999999"#),
        ),
        (
            "a subject twice",
            more(r#""sub":"mallory","sub":"mallory""#),
        ),
        ("claims that are no UTF-8", {
            let mut claims = text.clone().into_bytes();
            claims[2] = 0xff;
            let message = format!(
                "{}.{}",
                encoded(signer.header().to_string()),
                encoded(claims)
            );
            format!("{message}.{}", encoded([1; 256]))
        }),
        (
            "a token of 20 KiB",
            more(&format!(r#""x":"{}""#, "x".repeat(15 << 10))),
        ),
    ])
}

fn times(claims: &Value) -> Vec<Forgery> {
    let changes = [
        json!({"exp": null}),
        json!({"exp": seconds(-90)}),
        json!({"exp": 0}),
        json!({"exp": -1}),
        json!({"exp": seconds(600).to_string()}),
        json!({"exp": [seconds(600)]}),
        json!({"exp": true}),
        // Not so soon that it begins while a long test goes on.
        json!({"nbf": seconds(1_800)}),
        json!({"nbf": 1e300}),
        json!({"nbf": "now"}),
        json!({"iss": null}),
        json!({"iss": ""}),
        json!({"iss": "https://evil.example.com"}),
        json!({"iss": [claims["iss"]]}),
        json!({"iss": format!("{}/", claims["iss"].as_str().unwrap())}),
        json!({"iss": claims["iss"].as_str().unwrap().to_uppercase()}),
        json!({"aud": null}),
        json!({"aud": ""}),
        json!({"aud": []}),
        json!({"aud": "somebody-else"}),
        json!({"aud": ["somebody-else", "another"]}),
        json!({"aud": {"0": claims["aud"]}}),
        json!({"aud": [[claims["aud"]]]}),
        json!({"aud": 1}),
        json!({"aud": "*"}),
    ];
    let forged = changes.map(|change| {
        let token = Signer::today().token(&with(claims, change.clone()));
        (format!("claims with {change}"), token)
    });
    forged.into()
}
