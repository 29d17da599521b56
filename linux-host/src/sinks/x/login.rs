//! What `campanile login x` writes, and how it comes by it: OAuth's way for programs without a browser, with a PIN that
//! a person copies.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::Path;

use hyper::Method;
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderValue};

use super::moment;
use crate::secret;
use crate::sinks::Failure;
use crate::sinks::http::{Class, Client, Request, Url};
use crate::sinks::oauth::{self, Keys, Pair};
use crate::sinks::web::{Hidden, secret_header};

/// The keys in a file, and what holds them apart.
const NAMES: [&str; 4] = ["consumer-key", "consumer-secret", "token", "token-secret"];

/// Reads what a login wrote.
///
/// # Errors
/// It is not there, or not whole.
pub async fn read(path: &Path, hidden: &mut Hidden) -> Result<Keys, Failure> {
    let again = "`campanile login x` writes it";
    let text = tokio::fs::read_to_string(path).await.map_err(|error| {
        // One that is there is not written again because it may not be read.
        let help = match secret::help(&error, path) {
            help if help.is_empty() => format!("; {again}"),
            help => help,
        };
        Failure::refused(format!(
            "cannot read the login in {}: {error}{help}",
            secret::shown(path, "the login")
        ))
    })?;
    let found = |name: &str| {
        let value = text.lines().filter_map(|line| line.split_once('=')).find(|(key, _)| key.trim() == name);
        let value = value.map(|(_, value)| value.trim().trim_matches('"').to_owned());
        value.filter(|value| !value.is_empty()).ok_or_else(|| {
            Failure::refused(format!("the login in {} has no `{name}`; {again}", path.display()))
        })
    };
    let [key, secret, token, token_secret] = NAMES.map(found);
    let keys = Keys {
        consumer: Pair { key: key?, secret: secret? },
        token: Some(Pair { key: token?, secret: token_secret? }),
    };
    for pair in [Some(&keys.consumer), keys.token.as_ref()].into_iter().flatten() {
        hidden.add(&pair.secret);
        hidden.add(&pair.key);
    }
    Ok(keys)
}

/// Writes a login, for its owner's eyes only; in a folder that root keeps for a group, as /etc/campanile for the service, for
/// that group's eyes too.
///
/// # Errors
/// The system refuses; then nothing is left.
pub fn write(path: &Path, keys: &Keys, user: &str) -> io::Result<()> {
    let token = keys.token.as_ref().ok_or(io::ErrorKind::InvalidInput)?;
    let values = [&keys.consumer.key, &keys.consumer.secret, &token.key, &token.secret];
    let lines: String =
        NAMES.iter().zip(values).map(|(name, value)| format!("{name} = \"{value}\"\n")).collect();
    let new = path.with_extension("new");
    let _ = std::fs::remove_file(&new);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    let head = format!(
        "# The account {user} on X, as `campanile login x` was let in. Secret: who has it posts as you.\n"
    );
    let shared = readers(path).map_or(Ok(()), |group| share(&file, group));
    let written =
        shared.and_then(|()| file.write_all((head + &lines).as_bytes())).and_then(|()| file.sync_all());
    written.and_then(|()| std::fs::rename(&new, path)).inspect_err(|_| {
        let _ = std::fs::remove_file(&new);
    })
}

/// The group that a file is for besides its owner: that of its folder, if root keeps the folder for a group.
fn readers(path: &Path) -> Option<u32> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let meta = folder.unwrap_or_else(|| Path::new(".")).metadata().ok()?;
    // Where a group or others may write, as in /usr/local, it is no folder for secrets.
    (meta.uid() == 0 && meta.gid() != 0 && meta.mode() & 0o022 == 0).then(|| meta.gid())
}

/// Lets a group read a file; who may not give it to the group keeps it.
fn share(file: &File, group: u32) -> io::Result<()> {
    match fchown(file, None, Some(group)) {
        Ok(()) => file.set_permissions(Permissions::from_mode(0o640)),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    }
}

/// The first step: a token to ask with. A person is to open [`page`], and copy the PIN that is shown there.
///
/// # Errors
/// X does not know the program, or is not there.
pub async fn begin(client: &mut Client, url: &Url, consumer: Pair) -> Result<Keys, Failure> {
    let mut keys = Keys { consumer, token: None };
    let answer = ask(client, &url.at("/oauth/request_token"), &keys, &[("oauth_callback", "oob")]).await?;
    keys.token = Some(pair(&answer)?);
    Ok(keys)
}

/// Where a person lets the program in.
pub fn page(url: &Url, keys: &Keys) -> String {
    let token = keys.token.as_ref().map_or("", |token| &token.key);
    format!("{}/oauth/authorize?oauth_token={token}", url.origin())
}

/// The last step: the PIN for what the account gives. The name of the account comes with it.
///
/// # Errors
/// The PIN is wrong, or too old.
pub async fn finish(
    client: &mut Client,
    url: &Url,
    keys: Keys,
    pin: &str,
) -> Result<(Keys, String), Failure> {
    let answer = ask(client, &url.at("/oauth/access_token"), &keys, &[("oauth_verifier", pin)]).await?;
    let user = field(&answer, "screen_name").unwrap_or_default();
    Ok((Keys { token: Some(pair(&answer)?), ..keys }, user))
}

async fn ask(client: &mut Client, url: &Url, keys: &Keys, extra: &[(&str, &str)]) -> Result<String, Failure> {
    let mut request = Request::new(Method::POST, url.clone());
    let header = oauth::authorization("POST", url, keys, extra, &moment()?);
    request.headers.insert(AUTHORIZATION, secret_header(&header)?);
    request.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    let mut hidden = Hidden::default();
    for pair in [Some(&keys.consumer), keys.token.as_ref()].into_iter().flatten() {
        hidden.add(&pair.secret);
    }
    let mut answer = client.send(request).await.map_err(|failure| hidden.from(failure))?;
    if answer.class() != Class::Done {
        answer.body = hidden.without(answer.body);
    }
    match answer.class() {
        Class::Done => Ok(answer.body),
        Class::Later(after) => Err(Failure::retry(answer.in_words()).after(after)),
        _ => Err(Failure::refused(answer.in_words())),
    }
}

fn pair(form: &str) -> Result<Pair, Failure> {
    let (key, secret) = (field(form, "oauth_token"), field(form, "oauth_token_secret"));
    let pair = key.zip(secret).map(|(key, secret)| Pair { key, secret });
    pair.ok_or_else(|| Failure::refused("the answer has no token in it: is this X?"))
}

fn field(form: &str, name: &str) -> Option<String> {
    let found = form.trim().split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
    found.map(|(_, value)| oauth::decoded(value))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::chown;

    use super::*;

    fn keys() -> Keys {
        let pair = |word: &str| Pair { key: word.to_owned(), secret: format!("hunter2-{word}") };
        Keys { consumer: pair("app"), token: Some(pair("account")) }
    }

    #[tokio::test]
    async fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.login");
        write(&path, &keys(), "bell").unwrap();
        let read = read(&path, &mut Hidden::default()).await.unwrap();
        assert_eq!(read.consumer.secret, "hunter2-app");
        assert_eq!(read.token.unwrap().key, "account");
    }

    /// Only root has folders of root.
    #[test]
    fn in_a_folder_that_root_keeps_for_a_group_the_group_may_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.login");
        write(&path, &keys(), "bell").unwrap();
        let meta = path.metadata().unwrap();
        assert_eq!(meta.mode() & 0o777, if readers(&path).is_some() { 0o640 } else { 0o600 });
        if !rustix::process::geteuid().is_root() {
            return;
        }
        for (owner, group, mode) in [(0, 4321, 0o640), (0, 0, 0o600), (1234, 4321, 0o600)] {
            chown(dir.path(), Some(owner), Some(group)).unwrap();
            write(&path, &keys(), "bell").unwrap();
            let meta = path.metadata().unwrap();
            assert_eq!(meta.mode() & 0o777, mode, "{owner}:{group}");
            assert_eq!(meta.gid() == 4321, mode == 0o640, "{owner}:{group}");
        }
    }
}
