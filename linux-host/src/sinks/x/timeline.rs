//! The posts of an account.

use hyper::Method;
use hyper::header::AUTHORIZATION;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Settings, login, moment};
use crate::sinks::Failure;
use crate::sinks::follow::alerts::Silence;
use crate::sinks::follow::{PAGE_MAX, Page, Post, Timeline};
use crate::sinks::http::{Client, Request};
use crate::sinks::oauth;
use crate::sinks::web::{self, Hidden, Requests as _};

/// Of one reading, X gives so many, and not fewer than that.
const MOST: u32 = 100;
const LEAST: u32 = 5;

/// Reads them with the login.
pub struct Posts {
    settings: Settings,
    client: Client,
    account: String,
    /// Once it is known.
    id: Option<String>,
}

/// What matters of an answer.
#[derive(Deserialize)]
struct Answer {
    /// Not there if there are none.
    #[serde(default)]
    data: Vec<Tweet>,
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
        Self { settings, client, account: account.trim_start_matches('@').to_owned(), id: None }
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
        // The first look is for the newest number alone, and X counts every post that it gives.
        let most = if since.is_some() { MOST } else { LEAST };
        // A timeline without a post has no number that X would take.
        let since = since
            .filter(|since| *since != "0")
            .map_or_else(String::new, |since| format!("&since_id={since}"));
        let mut answer: Answer = self.get(format!("/2/users/{id}/tweets?max_results={most}{since}")).await?;
        answer.data.retain(|tweet| web::is_id(&tweet.id));
        let posts = answer.data.into_iter().map(|Tweet { id, text }| Post { id, text }).collect();
        // X lets programs read so seldom that there is no second reading.
        Ok(Page { posts, is_full: false })
    }

    fn alerts(&self) -> Option<Silence> {
        // Its streams are not for those who do not pay.
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sinks::http::Url;
    use crate::sinks::http::testing::{Reply, Server};
    use crate::sinks::template::Template;
    use crate::sinks::tls::Tls;

    #[tokio::test]
    async fn an_account_is_looked_up_once_and_all_its_posts_are_read_behind_a_place() {
        let json = |body: &str| Reply::With(200, "", body.to_owned());
        // A hundred, each as long as may be, in letters that JSON writes with twelve.
        let text = "\\ud83d\\udd14".repeat(140);
        let tweet =
            |id| format!("{{\"id\":\"{id}\",\"edit_history_tweet_ids\":[\"{id}\"],\"text\":\"{text}\"}}");
        let tweets: Vec<_> = (10..110).map(tweet).collect();
        let full = format!("{{\"data\":[{}],\"meta\":{{\"result_count\":100}}}}", tweets.join(","));
        let server = Server::with([
            json("{\"data\":{\"id\":\"2244\",\"username\":\"bell\"}}"),
            json("{\"meta\":{\"result_count\":0}}"),
            json(&full),
            json("{\"meta\":{\"result_count\":0}}"),
        ]);
        let dir = tempfile::tempdir().unwrap();
        let keys = ["consumer-key", "consumer-secret", "token", "token-secret"];
        let login = dir.path().join("login");
        std::fs::write(&login, keys.map(|key| format!("{key} = \"{key}\"\n")).concat()).unwrap();
        let url = Url::parse(&server.url("")).unwrap();
        let settings = Settings { url, login, text: Template::default(), tls: Tls::default() };
        let mut posts = Posts::new(settings, "@bell");
        assert_eq!(posts.read(None).await, Ok(Page::default()), "none yet");
        let ring = |id: u32| Post { id: id.to_string(), text: "\u{1f514}".repeat(140) };
        let full = Page { posts: (10..110).map(ring).collect(), is_full: false };
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
