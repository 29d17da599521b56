//! The posts of an account.

use hyper::Method;
use hyper::header::AUTHORIZATION;
use serde_json::Value;

use super::{Settings, login, moment};
use crate::sinks::Failure;
use crate::sinks::follow::alerts::Silence;
use crate::sinks::follow::{Page, Post, Timeline};
use crate::sinks::http::{Client, Request};
use crate::sinks::oauth;
use crate::sinks::web::{self, Hidden, Requests as _};

/// Reads them with the login.
pub struct Posts {
    settings: Settings,
    client: Client,
    account: String,
    /// Once it is known.
    id: Option<String>,
}

impl Posts {
    /// Does nothing yet.
    pub fn new(settings: Settings, account: &str) -> Self {
        let client = settings.client();
        Self { settings, client, account: account.trim_start_matches('@').to_owned(), id: None }
    }

    async fn get(&mut self, target: String) -> Result<Value, Failure> {
        let mut hidden = Hidden::default();
        let keys = login::read(&self.settings.login, &mut hidden).await?;
        let url = self.settings.url.at(target);
        let header = oauth::authorization("GET", &url, &keys, &[], &moment()?);
        let mut request = Request::new(Method::GET, url);
        request.headers.insert(AUTHORIZATION, web::secret_header(&header)?);
        web::json(&mut self.client, request, &hidden).await
    }
}

impl Timeline for Posts {
    type Alerts = Silence;

    async fn read(&mut self, since: Option<&str>) -> Result<Page, Failure> {
        let id = match &self.id {
            Some(id) => id.clone(),
            None => {
                let user = self.get(format!("/2/users/by/username/{}", self.account)).await?;
                web::id(&user["data"])
                    .ok_or_else(|| Failure::refused(format!("there is no account {}", self.account)))?
            }
        };
        self.id = Some(id.clone());
        // A timeline without a post has no number that X would take.
        let since = since
            .filter(|since| *since != "0")
            .map_or_else(String::new, |since| format!("&since_id={since}"));
        let answer = self.get(format!("/2/users/{id}/tweets?max_results=10{since}")).await?;
        let post = |post: &Value| {
            Some(Post { id: web::id(post)?, text: post["text"].as_str().unwrap_or_default().to_owned() })
        };
        let posts = answer["data"].as_array().into_iter().flatten().filter_map(post).collect();
        // X lets programs read so seldom that there is no second reading.
        Ok(Page { posts, is_full: false })
    }

    fn alerts(&self) -> Option<Silence> {
        // Its streams are not for those who do not pay.
        None
    }
}
