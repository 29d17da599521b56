//! Keys that people bring along from elsewhere, and what is written instead.

/// Keys under which people write secrets.
pub(super) const SECRETS: [&str; 6] = ["password", "passwd", "pass", "secret", "token", "key"];

/// Keys that people try and that are refused with more than "unknown".
pub(super) fn refused(key: &str) -> Option<&'static str> {
    match key {
        secret if SECRETS.contains(&secret) => Some(
            "secrets do not stand in this file: write `password-file = \"/etc/campanile/password\"` or \
             `password-env = \"CAMPANILE_PASSWORD\"`",
        ),
        "message" => Some("triggers by message are not there yet: they come with commands over MQTT"),
        "toggle" => Some(
            "there is no toggle: a repeated command must do no harm. Use { if = \"OUT\", do = [..], else = [..] }",
        ),
        "pin" | "gpio" | "offset" => {
            Some("a pin is a line: `line = \"GPIO14\"`, or `line = 14` for its offset")
        }
        "invert" | "inverted" | "active-low" | "active_low" => Some("write `active = \"low\"`"),
        "bias" | "pull-up" | "pullup" | "pull_up" => Some("write `pull = \"up\"`"),
        "user" => Some("write `username = \"..\"`"),
        "host" | "broker" | "server" => Some("write `url = \"mqtt://HOST\"`"),
        _ => None,
    }
}
