//! The statuses of an account, as anyone may read them who may see them.

use hyper::Method;
use hyper::header::AUTHORIZATION;
use serde_json::Value;

use super::Settings;
use super::stream::Home;
use crate::sinks::Failure;
use crate::sinks::follow::{Page, Post, Timeline};
use crate::sinks::http::{Client, Request};
use crate::sinks::template::percent;
use crate::sinks::web::{self, Hidden, Requests as _};

/// Of one reading: the most that servers give.
const PAGE: usize = 40;

/// Reads them with the account's token.
pub struct Statuses {
    settings: Settings,
    client: Client,
    /// `name`, or `name@server`.
    account: String,
    /// Once it is known.
    id: Option<String>,
}

impl Statuses {
    /// Does nothing yet.
    pub fn new(settings: Settings, account: &str) -> Self {
        let client = settings.client();
        Self { settings, client, account: account.trim_start_matches('@').to_owned(), id: None }
    }

    async fn get(&mut self, target: String) -> Result<Value, Failure> {
        let mut hidden = Hidden::default();
        let token = hidden.read(&self.settings.token, "the token").await?;
        let mut request = Request::new(Method::GET, self.settings.url.at(target));
        request.headers.insert(AUTHORIZATION, web::secret_header(&format!("Bearer {token}"))?);
        web::json(&mut self.client, request, &hidden).await
    }
}

impl Timeline for Statuses {
    type Alerts = Home;

    async fn read(&mut self, since: Option<&str>) -> Result<Page, Failure> {
        let id = match &self.id {
            Some(id) => id.clone(),
            None => {
                let mut target = "/api/v1/accounts/lookup?acct=".to_owned();
                percent(&self.account, &mut target);
                let account = self.get(target).await?;
                web::id(&account)
                    .ok_or_else(|| Failure::refused(format!("there is no account {}", self.account)))?
            }
        };
        self.id = Some(id.clone());
        // Those right behind the place, and not the newest of all: else what is between would be passed over.
        let behind = since.map_or_else(String::new, |since| format!("&min_id={since}"));
        let target = format!("/api/v1/accounts/{id}/statuses?limit={PAGE}&exclude_reblogs=true{behind}");
        let statuses = self.get(target).await?;
        let post = |status: &Value| {
            Some(Post {
                id: web::id(status)?,
                text: status["content"].as_str().unwrap_or_default().to_owned(),
            })
        };
        let posts: Vec<_> = statuses.as_array().into_iter().flatten().filter_map(post).collect();
        // A server may have a smaller page: it is asked until there is nothing more.
        let is_full = since.is_some() && !posts.is_empty();
        Ok(Page { posts, is_full })
    }

    fn alerts(&self) -> Option<Home> {
        Some(Home::new(self.settings.clone(), self.id.clone()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use crate::sinks::Then;
    use crate::sinks::http::Url;
    use crate::sinks::http::testing::{Reply, Server};
    use crate::sinks::template::Template;
    use crate::sinks::tls::Tls;

    #[tokio::test]
    async fn an_account_is_looked_up_once_and_its_statuses_are_read_behind_a_place() {
        let json = |body: &str| Reply::With(200, "", body.to_owned());
        let server = Server::with([
            Reply::With(404, "", "{\"error\":\"Record not found\"}".into()),
            json("{\"id\":\"23634\",\"acct\":\"bell@social.example\"}"),
            json("[{\"id\":\"109\",\"content\":\"<p>ring</p>\"}]"),
            json("[{\"id\":\"110\",\"content\":\"\"}]"),
            json("[]"),
        ]);
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("token"), "hunter2").unwrap();
        let settings = Settings {
            url: Url::parse(&server.url("")).unwrap(),
            token: Secret::File(dir.path().join("token")),
            text: Template::default(),
            visibility: "private",
            language: None,
            tls: Tls::default(),
        };
        let mut statuses = Statuses::new(settings, "@bell@social.example");
        let failure = statuses.read(None).await.unwrap_err();
        assert!(failure.why.contains("Record not found") && failure.then == Then::Refused, "{failure:?}");
        assert!(statuses.alerts().is_none(), "nobody knows yet of whom");
        let page = |id: &str, text: &str, is_full| {
            Ok(Page { posts: vec![Post { id: id.into(), text: text.into() }], is_full })
        };
        assert_eq!(statuses.read(None).await, page("109", "<p>ring</p>", false));
        assert_eq!(statuses.read(Some("109")).await, page("110", "", true));
        assert_eq!(statuses.read(Some("110")).await, Ok(Page::default()));
        let asked = server.asked();
        let lines: Vec<_> = asked[1..].iter().map(|asked| asked.line.as_str()).collect();
        assert_eq!(
            lines,
            [
                "GET /api/v1/accounts/lookup?acct=bell%40social.example",
                "GET /api/v1/accounts/23634/statuses?limit=40&exclude_reblogs=true",
                "GET /api/v1/accounts/23634/statuses?limit=40&exclude_reblogs=true&min_id=109",
                "GET /api/v1/accounts/23634/statuses?limit=40&exclude_reblogs=true&min_id=110",
            ]
        );
        assert_eq!(asked[3].header("authorization"), Some("Bearer hunter2"));
    }
}
