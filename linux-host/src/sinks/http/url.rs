//! `https://host/path?query`: where a request goes.

use std::fmt;

/// An address of the web. Its path may hold a secret, as those of many webhooks do, so only the [`origin`](Self::origin)
/// is ever shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    tls: bool,
    host: String,
    port: u16,
    target: String,
}

impl Url {
    /// Reads `http://HOST[:80][/PATH]` or `https://HOST[:443][/PATH]`; what is behind a `#` is not for servers.
    ///
    /// # Errors
    /// What is wrong with it, without repeating it: it may hold a secret.
    pub fn parse(url: &str) -> Result<Self, String> {
        let (tls, usual, rest) = if let Some(rest) = url.strip_prefix("https://") {
            (true, 443, rest)
        } else if let Some(rest) = url.strip_prefix("http://") {
            (false, 80, rest)
        } else {
            return Err("the URL does not begin with http:// or https://".into());
        };
        let (place, target) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if place.contains('@') {
            return Err("user and password do not belong into the URL: they would show in logs".into());
        }
        let (host, port) = match place.rsplit_once(':') {
            // A bare [::1] ends in a bracket, so what is behind its last colon is no port.
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| "the part after the colon is not a port: 1 to 65535")?)
            }
            _ => (place, usual),
        };
        let of_a_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '[' | ']' | ':');
        if host.is_empty() || port == 0 || !host.chars().all(of_a_name) {
            return Err(format!("the URL has no host that could be called: such as {}", example(tls)));
        }
        let target = target.split('#').next().unwrap_or_default();
        if !target.chars().all(|c| c.is_ascii_graphic()) {
            return Err(
                "the URL has a space or an accented letter after the host: write it as %20, %C3%A4".into()
            );
        }
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Ok(Self { tls, host: host.to_ascii_lowercase(), port, target })
    }

    /// Stands in for one that was wrong, where that has been said.
    pub fn nowhere() -> Self {
        Self { tls: false, host: "localhost".to_owned(), port: 80, target: "/".to_owned() }
    }

    /// Whether it is encrypted.
    pub const fn tls(&self) -> bool {
        self.tls
    }

    /// Name or number, an IPv6 one without its brackets.
    pub fn host(&self) -> &str {
        self.host.trim_matches(['[', ']'])
    }

    /// TCP.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Path and query.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The same origin, with another path.
    #[must_use]
    pub fn at(&self, target: impl Into<String>) -> Self {
        Self { target: target.into(), ..self.clone() }
    }

    /// What a `Host` header says.
    pub fn authority(&self) -> String {
        let usual = if self.tls { 443 } else { 80 };
        if self.port == usual { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// Scheme, host and port: all that may be shown.
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.authority())
    }

    /// Whether both are served over one connection.
    pub fn is_same_origin(&self, other: &Self) -> bool {
        (self.tls, &self.host, self.port) == (other.tls, &other.host, other.port)
    }

    /// Whether it is this machine.
    pub fn is_local(&self) -> bool {
        let number = self.host().parse::<std::net::IpAddr>();
        self.host == "localhost" || number.is_ok_and(|address| address.is_loopback())
    }
}

const fn example(tls: bool) -> &'static str {
    if tls { "https://hooks.example/bell" } else { "http://192.168.1.5:8080/bell" }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (url, origin, target) in [
            ("https://ntfy.sh/bell", "https://ntfy.sh", "/bell"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "/"),
            ("https://Hooks.Example:443?a=b#c", "https://hooks.example", "/?a=b"),
            ("http://[::1]:81/x?y=%20", "http://[::1]:81", "/x?y=%20"),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!((url.origin().as_str(), url.target()), (origin, target));
        }
        assert_eq!(Url::parse("http://[::1]/").unwrap().host(), "::1");
        assert!(Url::parse("http://[::1]/").unwrap().is_local());
        assert!(!Url::parse("http://10.0.0.1/").unwrap().is_local());
    }

    #[test]
    fn refuses_the_rest_without_repeating_a_secret() {
        for url in
            ["", "ntfy.sh", "ftp://x", "http://", "https://:1/", "http://x:0", "http://x:y", "http://x/ y"]
        {
            assert!(Url::parse(url).is_err(), "{url}");
        }
        for url in [
            "https://me:hunter2@x/",
            "https:/x/hunter2",
            "https://h x/hunter2",
            "https://x/hunter2 y",
            "https://x:hunter2/",
        ] {
            assert!(!Url::parse(url).unwrap_err().contains("hunter2"), "{url}");
        }
        assert!(!format!("{:?}", Url::parse("https://x/hunter2").unwrap()).contains("hunter2"));
    }
}
