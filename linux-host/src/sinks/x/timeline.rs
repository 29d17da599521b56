//! The posts of an account.

use std::fmt::Write as _;

use hyper::Method;
use hyper::header::AUTHORIZATION;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Settings, login, moment};
use crate::sinks::follow::alerts::Silence;
use crate::sinks::follow::{PAGE_MAX, Page, Post, Timeline};
use crate::sinks::http::{Client, Request};
use crate::sinks::oauth;
use crate::sinks::template::percent;
use crate::sinks::web::{self, Hidden, Requests as _};
use crate::sinks::{Failure, Then};

/// Of one reading, X gives so many, and not fewer than that.
const MOST: u32 = 100;
const LEAST: u32 = 5;
/// So many readings behind a place: X counts every post that it gives, and nobody hears a thousand rings.
const PAGES: usize = 10;

/// Reads them with the login.
pub struct Posts {
    settings: Settings,
    client: Client,
    account: String,
    /// Once it is known.
    id: Option<String>,
    /// A look that X broke off: it lets programs read so seldom that what it gave is kept until it gives the rest.
    begun: Option<Look>,
}

/// The posts behind a place, as far as they were read: X begins with the newest.
#[derive(Default)]
struct Look {
    since: Option<String>,
    posts: Vec<Post>,
    pages: usize,
    /// Where the older ones are.
    next: Option<String>,
}

/// What matters of an answer.
#[derive(Deserialize)]
struct Answer {
    /// Not there if there are none.
    #[serde(default)]
    data: Vec<Tweet>,
    #[serde(default)]
    meta: Meta,
}

#[derive(Default, Deserialize)]
struct Meta {
    next_token: Option<String>,
}

/// What matters of a post.
#[derive(Deserialize)]
struct Tweet {
    id: String,
    text: String,
}

impl Posts {
    /// Does nothing yet.
    pub fn new(settings: Settings, account: &str) -> Self {
        let client = settings.client();
        Self { settings, client, account: account.trim_start_matches('@').to_owned(), id: None, begun: None }
    }

    async fn get<T: DeserializeOwned>(&mut self, target: String) -> Result<T, Failure> {
        let mut hidden = Hidden::default();
        let keys = login::read(&self.settings.login, &mut hidden).await?;
        let url = self.settings.url.at(target);
        let header = oauth::authorization("GET", &url, &keys, &[], &moment()?);
        let mut request = Request::new(Method::GET, url);
        request.headers.insert(AUTHORIZATION, web::secret_header(&header)?);
        request.answer_max = PAGE_MAX;
        web::json(&mut self.client, request, &hidden).await
    }
}

impl Timeline for Posts {
    type Alerts = Silence;

    fn name(&self) -> String {
        format!("{}/{}", self.settings.url.origin(), self.account)
    }

    async fn read(&mut self, since: Option<&str>) -> Result<Page, Failure> {
        let id = match &self.id {
            Some(id) => id.clone(),
            None => {
                let user: Value = self.get(format!("/2/users/by/username/{}", self.account)).await?;
                web::id(&user["data"])
                    .ok_or_else(|| Failure::refused(format!("there is no account {}", self.account)))?
            }
        };
        self.id = Some(id.clone());
        let begun = self.begun.take().filter(|begun| begun.since.as_deref() == since);
        let mut look =
            begun.unwrap_or_else(|| Look { since: since.map(ToOwned::to_owned), ..Look::default() });
        loop {
            let answer: Answer = match self.get(look.target(&id)).await {
                Ok(answer) => answer,
                Err(failure) => {
                    // One that X refuses begins anew: its place among the pages may be what is wrong.
                    self.begun = Some(look).filter(|_| failure.then != Then::Refused);
                    return Err(failure);
                }
            };
            look.take(answer);
            // The first look is for the newest number alone.
            let is_whole = look.next.is_none() || look.since.is_none();
            if is_whole || look.pages == PAGES {
                return Ok(Page { posts: look.posts, is_full: false, is_cut: !is_whole });
            }
        }
    }

    fn alerts(&self) -> Option<Silence> {
        // Its streams are not for those who do not pay.
        None
    }
}

impl Look {
    /// What is asked for next.
    fn target(&self, id: &str) -> String {
        let most = if self.since.is_some() { MOST } else { LEAST };
        let mut target = format!("/2/users/{id}/tweets?max_results={most}");
        // A timeline without a post has no number that X would take.
        if let Some(since) = self.since.as_ref().filter(|since| *since != "0") {
            let _ = write!(target, "&since_id={since}");
        }
        if let Some(next) = &self.next {
            target.push_str("&pagination_token=");
            percent(next, &mut target);
        }
        target
    }

    fn take(&mut self, answer: Answer) {
        let posts = answer.data.into_iter().filter(|tweet| web::is_id(&tweet.id));
        self.posts.extend(posts.map(|Tweet { id, text }| Post { id, text }));
        (self.next, self.pages) = (answer.meta.next_token, self.pages + 1);
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use serde_json::json;

    use super::*;
    use crate::sinks::http::Url;
    use crate::sinks::http::testing::{Reply, Server};
    use crate::sinks::template::Template;
    use crate::sinks::tls::Tls;

    /// Reads the posts of `@bell` from there.
    fn posts(server: &Server, dir: &tempfile::TempDir) -> Posts {
        let keys = ["consumer-key", "consumer-secret", "token", "token-secret"];
        let login = dir.path().join("login");
        std::fs::write(&login, keys.map(|key| format!("{key} = \"hunter2-{key}\"\n")).concat()).unwrap();
        let url = Url::parse(&server.url("")).unwrap();
        let settings = Settings { url, login, text: Template::default(), tls: Tls::default() };
        Posts::new(settings, "@bell")
    }

    /// An answer with these posts, and where older ones are.
    fn page(ids: Range<u32>, next: Option<&str>) -> Reply {
        let data: Vec<_> = ids.rev().map(|id| json!({"id": id.to_string(), "text": "ring"})).collect();
        let meta = json!({"result_count": data.len(), "next_token": next});
        Reply::With(200, "", json!({"data": data, "meta": meta}).to_string())
    }

    fn account() -> Reply {
        Reply::With(200, "", "{\"data\":{\"id\":\"2244\",\"username\":\"bell\"}}".to_owned())
    }

    fn ids(page: &Page) -> Vec<u32> {
        let mut ids: Vec<u32> = page.posts.iter().map(|post| post.id.parse().unwrap()).collect();
        ids.sort_unstable();
        ids
    }

    #[tokio::test]
    async fn what_one_reading_does_not_hold_is_read_page_by_page() {
        let server = Server::with([
            account(),
            page(8..10, Some("older")),
            page(210..310, Some("b a")),
            // X lets nobody read for a while: what it gave is not asked for again.
            Reply::With(429, "", String::new()),
            page(110..210, Some("c")),
            page(10..110, None),
            page(310..311, None),
        ]);
        let dir = tempfile::tempdir().unwrap();
        let mut posts = posts(&server, &dir);
        assert_eq!(ids(&posts.read(None).await.unwrap()), [8, 9], "no more than the newest number is needed");
        assert_eq!(posts.read(Some("9")).await.unwrap_err().then, Then::Retry);
        let whole = posts.read(Some("9")).await.unwrap();
        assert_eq!(ids(&whole), (10..310).collect::<Vec<u32>>());
        assert!(!whole.is_full && !whole.is_cut);
        assert_eq!(ids(&posts.read(Some("309")).await.unwrap()), [310]);
        let asked = server.asked();
        let targets: Vec<_> = asked[2..].iter().map(|asked| asked.line.rsplit_once("?").unwrap().1).collect();
        assert_eq!(
            targets,
            [
                "max_results=100&since_id=9",
                "max_results=100&since_id=9&pagination_token=b%20a",
                "max_results=100&since_id=9&pagination_token=b%20a",
                "max_results=100&since_id=9&pagination_token=c",
                "max_results=100&since_id=309",
            ]
        );
    }

    #[tokio::test]
    async fn a_timeline_without_an_end_is_cut_and_said_to_be() {
        let pages = (0..PAGES as u32).map(|n| page(10_000 - 100 * (n + 1)..10_000 - 100 * n, Some("more")));
        let server = Server::with([account()].into_iter().chain(pages));
        let dir = tempfile::tempdir().unwrap();
        let cut = posts(&server, &dir).read(Some("9")).await.unwrap();
        assert_eq!(ids(&cut), (9_000..10_000).collect::<Vec<u32>>());
        assert!(cut.is_cut);
    }

    /// A page whose place X does not know any more must not stand in the way of all others.
    #[tokio::test]
    async fn a_look_that_is_refused_begins_anew() {
        let server = Server::with([
            account(),
            page(210..310, Some("old")),
            Reply::With(400, "", "{\"title\":\"Invalid Request\"}".to_owned()),
            page(10..310, None),
        ]);
        let dir = tempfile::tempdir().unwrap();
        let mut posts = posts(&server, &dir);
        assert_eq!(posts.read(Some("9")).await.unwrap_err().then, Then::Refused);
        assert_eq!(ids(&posts.read(Some("9")).await.unwrap()), (10..310).collect::<Vec<u32>>());
    }

    #[tokio::test]
    async fn an_account_is_looked_up_once_and_all_its_posts_are_read_behind_a_place() {
        let reply = |body: &str| Reply::With(200, "", body.to_owned());
        // A hundred, each as long as may be, in letters that JSON writes with twelve.
        let text = "\\ud83d\\udd14".repeat(140);
        let tweet =
            |id| format!("{{\"id\":\"{id}\",\"edit_history_tweet_ids\":[\"{id}\"],\"text\":\"{text}\"}}");
        let tweets: Vec<_> = (10..110).map(tweet).collect();
        let full = format!("{{\"data\":[{}],\"meta\":{{\"result_count\":100}}}}", tweets.join(","));
        let server = Server::with([
            account(),
            reply("{\"meta\":{\"result_count\":0}}"),
            reply(&full),
            reply("{\"meta\":{\"result_count\":0}}"),
        ]);
        let dir = tempfile::tempdir().unwrap();
        let mut posts = posts(&server, &dir);
        assert_eq!(posts.read(None).await, Ok(Page::default()), "none yet");
        let ring = |id: u32| Post { id: id.to_string(), text: "\u{1f514}".repeat(140) };
        let full = Page { posts: (10..110).map(ring).collect(), ..Page::default() };
        assert_eq!(posts.read(Some("0")).await, Ok(full));
        assert_eq!(posts.read(Some("109")).await, Ok(Page::default()));
        let asked = server.asked();
        let lines: Vec<_> = asked.iter().map(|asked| asked.line.as_str()).collect();
        assert_eq!(
            lines,
            [
                "GET /2/users/by/username/bell",
                "GET /2/users/2244/tweets?max_results=5",
                "GET /2/users/2244/tweets?max_results=100",
                "GET /2/users/2244/tweets?max_results=100&since_id=109",
            ]
        );
        assert!(asked[3].header("authorization").unwrap().starts_with("OAuth oauth_consumer_key="));
    }
}
