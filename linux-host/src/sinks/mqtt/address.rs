//! `mqtt://broker.example:1883`: where a broker is.

use std::fmt;

/// A broker's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Name or number.
    pub host: String,
    /// TCP.
    pub port: u16,
    /// `mqtts`.
    pub tls: bool,
}

impl Address {
    /// Reads a URL: `mqtt://HOST[:1883]` or `mqtts://HOST[:8883]`.
    ///
    /// # Errors
    /// What is wrong with it, without repeating it: it may hold a secret. A user or password in it is refused: it would
    /// show in logs and in lists of processes.
    pub fn parse(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let (tls, usual) = match scheme {
            "mqtt" => (false, 1883),
            "mqtts" => (true, 8883),
            _ => return Err("the URL does not begin with mqtt:// or mqtts://".into()),
        };
        if rest.contains('@') {
            return Err(
                "user and password do not belong into the URL: see `username` and `password-file`".into()
            );
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            // A bare [::1] ends in a bracket, so what is behind its last colon is no port.
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| "the part after the colon is not a port: 1 to 65535")?)
            }
            _ => (rest, usual),
        };
        if host.is_empty() || host.contains(['/', ' ', '?', '#']) || port == 0 {
            return Err(format!(
                "the URL is not valid: write mqtt://HOST or mqtts://HOST, and :PORT if it is not {usual}"
            ));
        }
        Ok(Self { host: host.to_owned(), port, tls })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", if self.tls { "mqtts" } else { "mqtt" }, self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (url, shown) in [
            ("mqtt://127.0.0.1", "mqtt://127.0.0.1:1883"),
            ("mqtts://broker.example/", "mqtts://broker.example:8883"),
            ("mqtts://broker.example:443", "mqtts://broker.example:443"),
            ("mqtt://[::1]", "mqtt://[::1]:1883"),
            ("mqtt://[::1]:1884", "mqtt://[::1]:1884"),
        ] {
            assert_eq!(Address::parse(url).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn refuses_the_rest_without_repeating_a_password() {
        for url in [
            "",
            "broker",
            "http://broker",
            "mqtt://",
            "mqtt://:1883",
            "mqtt://b:0",
            "mqtt://b:x",
            "mqtt://b/topic",
        ] {
            assert!(Address::parse(url).is_err(), "{url}");
        }
        for url in ["mqtt://me:hunter2@broker", "mqtts://broker:hunter2", "mqtt://broker/hunter2", "hunter2"]
        {
            assert!(!Address::parse(url).unwrap_err().contains("hunter2"), "{url}");
        }
    }
}
