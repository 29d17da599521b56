//! The statuses of an account, as anyone may read them who may see them.

use hyper::Method;
use hyper::header::AUTHORIZATION;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Settings;
use super::stream::Home;
use crate::sinks::Failure;
use crate::sinks::follow::{PAGE_MAX, Page, Post, Timeline};
use crate::sinks::http::{Client, Request};
use crate::sinks::template::percent;
use crate::sinks::web::{self, Hidden, Requests as _};

/// Of one reading behind a place; where there is more, another reading follows.
const PAGE: usize = 20;
/// Of the first look, which is for the newest number alone. Not one: a server may take out of a page what the token may not
/// see, and an empty page is that of an account without a post.
const FIRST: usize = 5;

/// Reads them with the account's token.
pub struct Statuses {
    settings: Settings,
    client: Client,
    /// `name`, or `name@server`.
    account: String,
    /// Once it is known.
    id: Option<String>,
}

/// What matters of a status.
#[derive(Deserialize)]
struct Status {
    id: String,
    content: String,
}

impl Statuses {
    /// Does nothing yet.
    pub fn new(settings: Settings, account: &str) -> Self {
        let client = settings.client();
        Self { settings, client, account: account.trim_start_matches('@').to_owned(), id: None }
    }

    async fn get<T: DeserializeOwned>(&mut self, target: String) -> Result<T, Failure> {
        let mut hidden = Hidden::default();
        let token = hidden.read(&self.settings.token, "the token").await?;
        let mut request = Request::new(Method::GET, self.settings.url.at(target));
        request.headers.insert(AUTHORIZATION, web::secret_header(&format!("Bearer {token}"))?);
        request.answer_max = PAGE_MAX;
        web::json(&mut self.client, request, &hidden).await
    }
}

impl Timeline for Statuses {
    type Alerts = Home;

    fn name(&self) -> String {
        format!("{}/@{}", self.settings.url.origin(), self.account)
    }

    async fn read(&mut self, since: Option<&str>) -> Result<Page, Failure> {
        let id = match &self.id {
            Some(id) => id.clone(),
            None => {
                let mut target = "/api/v1/accounts/lookup?acct=".to_owned();
                percent(&self.account, &mut target);
                let account: Value = self.get(target).await?;
                web::id(&account)
                    .ok_or_else(|| Failure::refused(format!("there is no account {}", self.account)))?
            }
        };
        self.id = Some(id.clone());
        // Those right behind the place, and not the newest of all: else what is between would be passed over.
        let behind = since.map_or_else(String::new, |since| format!("&min_id={since}"));
        let limit = if since.is_some() { PAGE } else { FIRST };
        let target = format!("/api/v1/accounts/{id}/statuses?limit={limit}&exclude_reblogs=true{behind}");
        let mut statuses: Vec<Status> = self.get(target).await?;
        statuses.retain(|status| web::is_id(&status.id));
        let posts: Vec<_> =
            statuses.into_iter().map(|Status { id, content }| Post { id, text: content }).collect();
        // A server may have a smaller page: it is asked until there is nothing more.
        let is_full = since.is_some() && !posts.is_empty();
        Ok(Page { posts, is_full, is_cut: false })
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
    use crate::sinks::mastodon::testing::{account, status};
    use crate::sinks::template::Template;
    use crate::sinks::tls::Tls;
    use serde_json::json;

    #[tokio::test]
    async fn an_account_is_looked_up_once_and_its_statuses_are_read_behind_a_place() {
        let json = |body: Value| Reply::With(200, "", body.to_string());
        let page: Vec<_> = (110..130).map(|id| status(id, "23634", "<p>ring</p>")).collect();
        let server = Server::with([
            Reply::With(404, "", "{\"error\":\"Record not found\"}".into()),
            json(account("23634")),
            json(json!([status(109, "23634", "<p>ring</p>")])),
            json(json!(page)),
            json(json!([])),
            json(json!([status(130, "23634", &"x".repeat(PAGE_MAX))])),
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
        let post = |id: u64| Post { id: id.to_string(), text: "<p>ring</p>".into() };
        assert_eq!(statuses.read(None).await, Ok(Page { posts: vec![post(109)], ..Page::default() }));
        let full = Page { posts: (110..130).map(post).collect(), is_full: true, ..Page::default() };
        assert_eq!(statuses.read(Some("109")).await, Ok(full), "however much each of them brings along");
        assert_eq!(statuses.read(Some("129")).await, Ok(Page::default()));
        let failure = statuses.read(Some("129")).await.unwrap_err();
        assert_eq!(failure.why, "the answer is longer than the 1024 KiB that are read of it");
        let asked = server.asked();
        let lines: Vec<_> = asked[1..].iter().map(|asked| asked.line.as_str()).collect();
        assert_eq!(
            lines,
            [
                "GET /api/v1/accounts/lookup?acct=bell%40social.example",
                "GET /api/v1/accounts/23634/statuses?limit=5&exclude_reblogs=true",
                "GET /api/v1/accounts/23634/statuses?limit=20&exclude_reblogs=true&min_id=109",
                "GET /api/v1/accounts/23634/statuses?limit=20&exclude_reblogs=true&min_id=129",
                "GET /api/v1/accounts/23634/statuses?limit=20&exclude_reblogs=true&min_id=129",
            ]
        );
        assert_eq!(asked[3].header("authorization"), Some("Bearer hunter2"));
    }
}
