//! Secrets: where they are, and that they are shown nowhere.

use std::fmt;
use std::path::PathBuf;

/// Where a secret is. The file says only this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// The first line of a file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
}

/// A secret that is not there: why, in plain words, and never what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoSecret(pub String);

impl fmt::Display for NoSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoSecret {}

impl Secret {
    /// Reads it; `what` it is stands in errors, such as "the password".
    ///
    /// # Errors
    /// It is not there.
    pub async fn read(&self, what: &str) -> Result<String, NoSecret> {
        let text = match self {
            Self::File(path) => {
                let text = tokio::fs::read_to_string(path).await.map_err(|error| {
                    NoSecret(format!("cannot read {what} from {}: {error}", path.display()))
                })?;
                text.lines().next().unwrap_or_default().trim_end().to_owned()
            }
            Self::Variable(name) => std::env::var(name)
                .map_err(|_| NoSecret(format!("the environment has no {name} with {what}")))?,
        };
        if text.is_empty() {
            let place = match self {
                Self::File(path) => path.display().to_string(),
                Self::Variable(name) => name.clone(),
            };
            return Err(NoSecret(format!("{what} is empty: see the first line of {place}")));
        }
        Ok(text)
    }
}
