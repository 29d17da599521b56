//! Secrets: where they are, and that they are shown nowhere.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::install::service::USER;

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
                    let help = help(&error, path);
                    NoSecret(format!("cannot read {what} from {}: {error}{help}", self.place(what)))
                })?;
                text.lines().next().unwrap_or_default().trim_end().to_owned()
            }
            Self::Variable(name) => std::env::var(name)
                .map_err(|_| NoSecret(format!("the environment has no {} with {what}", self.place(what))))?,
        };
        if text.is_empty() {
            return Err(NoSecret(format!("{what} is empty: see the first line of {}", self.place(what))));
        }
        Ok(text)
    }

    /// Where it is, in words. What does not look like a place may be the secret itself, which somebody wrote there by
    /// mistake.
    fn place(&self, what: &str) -> String {
        match self {
            Self::File(path) => shown(path, what),
            Self::Variable(name) if is_variable(name) => name.clone(),
            Self::Variable(_) => {
                format!("variable of the name in the house (not in capitals: or is it {what} itself?)")
            }
        }
    }
}

/// Whether a text is the path of a file rather than a secret: what does not begin as a path may be either.
pub fn is_path(text: &str) -> bool {
    let begins = ["/", "./", "../"].iter().any(|begin| text.starts_with(begin));
    begins && !text.contains("://") && !text.contains(char::is_control)
}

/// A file's path for an error, if it is one; `what` is in it.
pub fn shown(path: &Path, what: &str) -> String {
    if is_path(&path.to_string_lossy()) {
        return path.display().to_string();
    }
    format!("a file of the name in the house (which does not begin with / or ./: or is it {what} itself?)")
}

/// Whether a text is the name of an environment variable rather than a secret: without capitals it may be either.
pub fn is_variable(text: &str) -> bool {
    let of_a_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    text.bytes().all(of_a_name)
}

/// What to do about a secret's file that cannot be read, in words that go behind the error; empty where the error says
/// enough.
pub fn help(error: &io::Error, path: &Path) -> String {
    if error.kind() != io::ErrorKind::PermissionDenied || !is_path(&path.to_string_lossy()) {
        return String::new();
    }
    let path = path.display();
    format!("; the service may read it after `sudo chgrp {USER} {path} && sudo chmod 640 {path}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_secret_in_the_place_of_its_place_is_not_repeated() {
        for (secret, begins) in [
            (Secret::Variable("hunter2_secret".into()), "the environment has no variable of the name"),
            (Secret::File("hunter2".into()), "cannot read the token from a file of the name"),
        ] {
            let NoSecret(why) = secret.read("the token").await.unwrap_err();
            assert!(why.starts_with(begins) && why.contains("is it the token itself?"), "{why}");
            assert!(!why.contains("hunter2"), "{why}");
        }
        let NoSecret(why) = Secret::Variable("CAMPANILE_NO_SUCH".into()).read("the token").await.unwrap_err();
        assert_eq!(why, "the environment has no CAMPANILE_NO_SUCH with the token");
        let NoSecret(why) = Secret::File("/no/such/file".into()).read("the token").await.unwrap_err();
        assert!(why.starts_with("cannot read the token from /no/such/file: "), "{why}");
    }

    #[test]
    fn who_may_not_read_a_file_is_told_what_helps() {
        let path = Path::new("/etc/campanile/x.login");
        assert_eq!(
            help(&io::ErrorKind::PermissionDenied.into(), path),
            "; the service may read it after `sudo chgrp campanile /etc/campanile/x.login && sudo chmod 640 \
             /etc/campanile/x.login`"
        );
        assert_eq!(help(&io::ErrorKind::NotFound.into(), path), "");
    }
}
