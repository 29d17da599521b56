use std::sync::Mutex;

use super::*;
use crate::sinks::Then;
use crate::sinks::fields::testing::doorbell;
use crate::sinks::http::testing::{Asked, Reply, Server};
use crate::sinks::oauth::Pair;
use crate::sinks::sequential::Receiver as _;
use crate::sinks::web::Web;

/// As the documentation of X's API has it: `POST /2/tweets`, and the three steps of a login with a PIN. Signatures are
/// checked elsewhere, by a library that knows nothing of us.
fn platform() -> Server {
    let posts: Mutex<Vec<String>> = Mutex::default();
    Server::start(move |asked: &Asked| {
        let header = asked.header("authorization").unwrap_or_default();
        let problem = |status: u16, detail: &str| {
            Reply::With(status, "", json!({ "status": status, "detail": detail }).to_string())
        };
        match asked.line.as_str() {
            "POST /oauth/request_token" if header.contains("oauth_callback=\"oob\"") => Reply::With(
                200,
                "",
                "oauth_token=ask&oauth_token_secret=hunter2-ask&oauth_callback_confirmed=true".into(),
            ),
            "POST /oauth/access_token" if header.contains("oauth_verifier=\"1234567\"") => Reply::With(
                200,
                "",
                "oauth_token=tok&oauth_token_secret=hunter2-tok&user_id=1&screen_name=bell".into(),
            ),
            "POST /2/tweets" if header.contains("oauth_token=\"tok\"") => {
                let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
                let text = body["text"].as_str().unwrap().to_owned();
                let mut posts = posts.lock().unwrap();
                if posts.contains(&text) {
                    return problem(403, "You are not allowed to create a Tweet with duplicate content.");
                }
                if posts.len() == 3 {
                    let reset = Timestamp::now().as_second() + 900;
                    let header = format!("x-rate-limit-reset: {reset}\r\n").leak();
                    return Reply::With(429, header, json!({ "title": "Too Many Requests" }).to_string());
                }
                posts.push(text);
                Reply::With(201, "", json!({ "data": { "id": "1" } }).to_string())
            }
            _ => problem(401, "Unauthorized"),
        }
    })
}

async fn login(server: &Server, dir: &tempfile::TempDir) -> Settings {
    let url = Url::parse(&server.url("")).unwrap();
    let mut client = Client::new(Tls::default(), web::PATIENCE);
    let consumer = Pair { key: "app".into(), secret: "hunter2-app".into() };
    let keys = login::begin(&mut client, &url, consumer).await.unwrap();
    assert_eq!(login::page(&url, &keys), format!("{}/oauth/authorize?oauth_token=ask", url.origin()));
    let wrong = login::finish(&mut client, &url, keys.clone(), "7654321").await.err().unwrap();
    assert_eq!(wrong.then, Then::Refused);
    let (keys, user) = login::finish(&mut client, &url, keys, "1234567").await.unwrap();
    assert_eq!(user, "bell");
    let path = dir.path().join("x.login");
    login::write(&path, &keys, &user).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    Settings { url, login: path, text: Template::parse("{text}").unwrap(), tls: Tls::default() }
}

#[tokio::test]
async fn the_same_ring_twice_is_two_posts_and_a_repeat_is_one() {
    let (server, dir) = (platform(), tempfile::tempdir().unwrap());
    let mut account = Web::new(login(&server, &dir).await);
    account.open().await.unwrap();
    for seq in [7, 67, 67, 7] {
        assert_eq!(account.deliver(&[doorbell("Someone is at the door", seq)]).await, Ok(Verdict::Taken));
    }
    let posts: Vec<_> =
        server.asked().iter().filter(|asked| asked.line.ends_with("tweets")).cloned().collect();
    let text =
        |place: usize| serde_json::from_str::<serde_json::Value>(&posts[place].body).unwrap()["text"].clone();
    assert!(text(0).as_str().unwrap().starts_with("Someone is at the door \u{b7} 2026-11-2"), "{}", text(0));
    assert!(text(0).as_str().unwrap().ends_with(":07 #5-7"), "{}", text(0));
    assert_ne!(text(0), text(1));
    assert_eq!(text(0), text(3));
}

#[tokio::test]
async fn a_full_quota_says_when_and_a_lost_login_what_to_do() {
    let (server, dir) = (platform(), tempfile::tempdir().unwrap());
    let settings = login(&server, &dir).await;
    let mut account = Web::new(settings.clone());
    for seq in 1..=3 {
        account.deliver(&[doorbell("ring", seq)]).await.unwrap();
    }
    let failure = account.deliver(&[doorbell("ring", 4)]).await.unwrap_err();
    assert_eq!(failure.then, Then::Retry);
    assert!(failure.after.is_some_and(|wait| wait.as_secs() > 800), "{failure:?}");
    let old = std::fs::read_to_string(&settings.login).unwrap();
    std::fs::write(&settings.login, old.replace("\"tok\"", "\"old\"")).unwrap();
    let failure = account.deliver(&[doorbell("ring", 5)]).await.unwrap_err();
    assert!(failure.why.contains("`campanile login x`") && failure.then == Then::Refused, "{failure:?}");
    std::fs::write(&settings.login, "").unwrap();
    let failure = account.deliver(&[doorbell("ring", 5)]).await.unwrap_err();
    assert!(failure.why.contains("has no `consumer-key`"), "{failure:?}");
}

#[test]
fn a_long_text_leaves_room_for_what_makes_it_one_of_its_kind() {
    let template = Template::parse("{text}").unwrap();
    for letter in ["x", "ä", "\u{1f514}", "語"] {
        let text = text(&template, &Fields::of(&[doorbell(&letter.repeat(400), 7)]));
        let weight: usize = text.chars().map(weight).sum();
        assert!((279..=280).contains(&weight) && text.ends_with("#5-7"), "{weight} {text}");
    }
}

#[test]
fn a_link_counts_as_much_as_the_one_that_stands_for_it() {
    assert_eq!(short_links("no link"), 0);
    assert_eq!(short_links("see http://a.example and https://a.example/as-long-as-they-are"), 7);
}
