//! OAuth 1.0a with HMAC-SHA1 (RFC 5849), as X wants it: the signature of one request.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::hmac;

use super::http::Url;
use super::template::percent;

/// Who asks: the program, and the account that lets it.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// Of the program.
    pub consumer: Pair,
    /// Of the account; none while the program asks for it.
    pub token: Option<Pair>,
}

/// A name that may be seen, and its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// Goes over the network.
    pub key: String,
    /// Does not.
    pub secret: String,
}

/// What makes one request of many: no two may have the same.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Seconds since 1970.
    pub timestamp: i64,
    /// Letters and digits.
    pub nonce: String,
}

/// The value of an `Authorization` header. `parameters` are those of the protocol that one request has and others have
/// not, such as `oauth_verifier`; those of the URL's query are signed too, a JSON body is not.
pub fn authorization(
    method: &str,
    url: &Url,
    keys: &Keys,
    parameters: &[(&str, &str)],
    moment: &Moment,
) -> String {
    let timestamp = moment.timestamp.to_string();
    let mut protocol = vec![
        ("oauth_consumer_key", keys.consumer.key.as_str()),
        ("oauth_nonce", &moment.nonce),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", &timestamp),
        ("oauth_version", "1.0"),
    ];
    protocol.extend(keys.token.iter().map(|token| ("oauth_token", token.key.as_str())));
    protocol.extend_from_slice(parameters);
    let (path, query) = url.target().split_once('?').unwrap_or_else(|| (url.target(), ""));
    let mut all: Vec<(String, String)> =
        protocol.iter().map(|(key, value)| (encoded(key), encoded(value))).collect();
    all.extend(query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (encoded(&decoded(key)), encoded(&decoded(value)))
    }));
    all.sort();
    let list: Vec<_> = all.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let address = format!("{}{path}", url.origin());
    let base = [method, &address, &list.join("&")].map(encoded).join("&");
    let secret = keys.token.as_ref().map_or("", |token| &token.secret);
    let key = format!("{}&{}", encoded(&keys.consumer.secret), encoded(secret));
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    let signature = BASE64_STANDARD.encode(hmac::sign(&key, base.as_bytes()));
    protocol.push(("oauth_signature", &signature));
    let shown: Vec<_> =
        protocol.iter().map(|(key, value)| format!("{}=\"{}\"", encoded(key), encoded(value))).collect();
    format!("OAuth {}", shown.join(", "))
}

fn encoded(text: &str) -> String {
    let mut out = String::new();
    percent(text, &mut out);
    out
}

/// Undoes what a query or a form does to a text.
pub fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let hex = |byte: u8| char::from(byte).to_digit(16);
        let pair = match behind {
            [high, low, ..] if *first == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match pair {
            Some((high, low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &behind[2..];
            }
            None => {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(key: &str, secret: &str) -> Pair {
        Pair { key: key.into(), secret: secret.into() }
    }

    fn signature(header: &str) -> String {
        let (_, rest) = header.split_once("oauth_signature=\"").unwrap();
        decoded(rest.split('"').next().unwrap())
    }

    #[test]
    fn the_example_of_the_platform_has_its_signature() {
        // "Creating a signature" in X's documentation; a form's body is signed as a query is.
        let keys = Keys {
            consumer: pair("xvz1evFS4wEEPTGEFPHBog", "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw"),
            token: Some(pair(
                "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
                "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
            )),
        };
        let query = "status=Hello%20Ladies+%2B%20Gentlemen%2C%20a%20signed%20OAuth%20request%21&include_entities=true";
        let url = Url::parse(&format!("https://api.twitter.com/1.1/statuses/update.json?{query}")).unwrap();
        let moment =
            Moment { timestamp: 1_318_622_958, nonce: "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg".into() };
        let header = authorization("POST", &url, &keys, &[], &moment);
        assert_eq!(signature(&header), "hCtSmYh+iHYCEqBWrE7C7hYmtUk=");
        assert!(
            header.starts_with("OAuth oauth_consumer_key=\"xvz1evFS4wEEPTGEFPHBog\", oauth_nonce="),
            "{header}"
        );
        assert!(!header.contains("kAcSOqF21") && !header.contains("LswwdoUa"));
    }

    #[test]
    fn a_query_is_read_as_forms_are_written() {
        assert_eq!(decoded("a%20b+c%C3%A4%2"), "a b c\u{e4}%2");
        assert_eq!(encoded("Ladies + Gentlemen"), "Ladies%20%2B%20Gentlemen");
    }
}
