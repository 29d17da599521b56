//! Secrets: where they are, and that they are shown nowhere.

use std::path::PathBuf;

use crate::sinks::Failure;

/// Where a secret is. The file says only this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// The first line of a file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
}

impl Secret {
    /// Reads it; `what` it is stands in errors, such as "the password".
    ///
    /// # Errors
    /// It is not there.
    pub async fn read(&self, what: &str) -> Result<String, Failure> {
        let text = match self {
            Self::File(path) => {
                let text = tokio::fs::read_to_string(path).await.map_err(|error| {
                    Failure::refused(format!("cannot read {what} from {}: {error}", path.display()))
                })?;
                text.lines().next().unwrap_or_default().trim_end().to_owned()
            }
            Self::Variable(name) => std::env::var(name)
                .map_err(|_| Failure::refused(format!("the environment has no {name} with {what}")))?,
        };
        if text.is_empty() {
            let place = match self {
                Self::File(path) => path.display().to_string(),
                Self::Variable(name) => name.clone(),
            };
            return Err(Failure::refused(format!("{what} is empty: see the first line of {place}")));
        }
        Ok(text)
    }
}
