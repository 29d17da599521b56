//! What people bring along from elsewhere, and what is written instead.

use super::secrets::keys;

/// Keys under which people write secrets, in whatever table.
const SECRETS: [&str; 6] = ["password", "passwd", "pass", "secret", "token", "key"];

/// What is written instead of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habit {
    /// The key that was meant, if it stands in the same table.
    pub(super) meant: &'static str,
    /// What to do.
    pub(super) help: &'static str,
}

/// Keys that people try: in which tables, which keys, what was meant, what to do. Tables by the words that errors have
/// for them; `*` ends a beginning.
const KEYS: &[(&str, &[&str], &str, &str)] = &[
    ("the file", &["binary_sensor", "button", "buttons", "contact"], "", "write [inputs.NAME]"),
    ("the file", &["switch", "switches", "light", "lights", "relay", "led"], "", "write [outputs.NAME]"),
    (
        "the file",
        &["automation", "automations", "scenario", "script", "rule", "rules"],
        "",
        "write [[scenarios]]",
    ),
    (
        "the file",
        &["mqtt", "broker"],
        "",
        "write [sinks.NAME] with kind = \"mqtt\" and url = \"mqtt://HOST\"",
    ),
    ("the file", &["name", "timezone"], "", "it belongs under [node]"),
    ("the file", &["globals", "variable"], "", "write [variables] with NAME = 0"),
    ("an input", &["name"], "", "the name belongs in the header: [inputs.NAME]"),
    ("an output", &["name"], "", "the name belongs in the header: [outputs.NAME]"),
    ("an input", &["mode", "bias", "pull-up", "pullup", "pull_up"], "pull", "write `pull = \"up\"`"),
    (
        "an input",
        &["filters", "delayed_on", "debounce-time", "debounce_time"],
        "debounce",
        "write `debounce = \"10ms\"`",
    ),
    ("an input", &["device_class", "device-class", "type"], "class", "write `class = \"door\"`"),
    (
        "a sensor",
        &["line", "pin", "gpio", "platform"],
        "",
        "a sensor has no line: `campanile feed NAME VALUE` gives it its values",
    ),
    ("a sensor", &["update_interval", "interval"], "min-interval", "write `min-interval = \"5s\"`"),
    ("a sensor", &["name"], "", "the name belongs in the header: [sensors.NAME]"),
    ("a scenario", &["id", "alias", "title"], "name", "write `name = \"..\"`"),
    ("a scenario", &["trigger", "triggers", "on"], "when", "write `when = [{ .. }]`"),
    ("a scenario", &["condition", "conditions"], "if", "write `if = \"..\"`"),
    ("a scenario", &["action", "actions", "then", "sequence", "steps"], "do", "write `do = [{ .. }]`"),
    ("a trigger", &["topic", "event"], "message", "write { message = \"NAME\" }"),
    (
        "a trigger",
        &["button", "switch", "pin", "on_press", "on_click", "entity_id"],
        "",
        "write { input = \"NAME\", to = \"on\" }",
    ),
    ("a trigger", &["on_release"], "", "write { input = \"NAME\", to = \"off\" }"),
    ("a trigger", &["time"], "", "write { at = \"07:30\" }"),
    ("a trigger", &["interval", "period"], "", "write { every = \"15min\" }"),
    (
        "a trigger",
        &["scenario", "script"],
        "",
        "a scenario is started by another one with { start = \"NAME\" }",
    ),
    (
        "a trigger by `input`",
        &["state", "level", "value", "on_press"],
        "to",
        "write to = \"on\" or to = \"off\"",
    ),
    ("a trigger by `output`", &["state", "level", "value"], "to", "write to = \"on\" or to = \"off\""),
    ("an action", &["toggle"], "", TOGGLE),
    ("a command", &["toggle"], "", TOGGLE),
    ("an action", &["delay", "sleep", "pause"], "", "write { wait = \"5s\" }"),
    (
        "an action",
        &["turn_on", "on", "switch", "output", "light"],
        "",
        "write { set = \"OUT\", to = \"on\" }",
    ),
    ("an action", &["turn_off", "off"], "", "write { set = \"OUT\", to = \"off\" }"),
    (
        "an action",
        &["notify", "mqtt", "publish", "message", "log", "topic"],
        "",
        "write { send = \"NAME\", text = \"..\" }",
    ),
    ("an action", &["run", "call", "script", "scenario"], "", "write { start = \"SCENARIO\" }"),
    (
        "an action",
        &["while", "loop"],
        "",
        "write { repeat = 10, do = [..] }, or let { every = \"1s\" } trigger a scenario",
    ),
    (
        "an action",
        &["service"],
        "",
        "there are no services: { set = \"OUT\", to = \"on\" } drives an output, { send = \"NAME\" } sends a message",
    ),
    ("`if`", &["then"], "do", "write `do = [..]`"),
    ("`set`", &["value", "state", "level"], "to", "write to = \"on\" or to = \"off\""),
    ("`set`", &["for"], "", "{ pulse = \"OUT\", for = \"5s\" } is on for a time"),
    ("`send`", &["message", "body"], "text", "write `text = \"..\"`"),
    ("`send`", &["payload"], "data", "write `text = \"..\"`, or `data = { .. }`"),
    ("`send`", &["topic"], "", "topics are the sink's: `topics` there"),
    ("`set`", ACTIONS, "", ONE_ACTION),
    ("`pulse`", ACTIONS, "", ONE_ACTION),
    ("`wait`", ACTIONS, "", ONE_ACTION),
    ("`send`", ACTIONS, "", ONE_ACTION),
    ("`let`", ACTIONS, "", ONE_ACTION),
    ("a sink", &["type", "platform"], "kind", "write `kind`"),
    ("a sink*", &["user"], "username", "write `username = \"..\"`"),
    (
        "a sink*",
        &["host", "broker", "server", "address", "port"],
        "url",
        "write `url = \"mqtt://HOST:PORT\"`",
    ),
    ("a sink*", &["topic"], "", "write `topics = { state = \"..\", message = \"..\" }`"),
    ("a sink*", &["retain", "qos"], "", "QoS is 1; states are retained, messages are not"),
    ("a sink*", &["filter", "filters"], "", "write `only = [\"input:*\"]`"),
    (
        "*",
        &["pin", "gpio", "offset"],
        "line",
        "a pin is a line: `line = \"GPIO14\"`, or `line = 14` for its offset",
    ),
    ("*", &["invert", "inverted", "active-low", "active_low"], "active", "write `active = \"low\"`"),
    (
        "*",
        &["journal", "boards", "inputs", "outputs", "sensors", "variables", "scenarios", "sinks", "node"],
        "",
        "this belongs to the file as a whole: give it a header of its own, such as [inputs.NAME] or [[scenarios]]",
    ),
];

const ACTIONS: &[&str] =
    &["set", "pulse", "wait", "wait-until", "let", "repeat", "send", "start", "stop", "end"];
const ONE_ACTION: &str =
    "each { .. } is one action: write { .. }, { .. }, in the order in which they are done";
const TOGGLE: &str = "there is no toggle, because a repeated command must be harmless: use { if = \"OUT\", do = [..], else = [..] }";

/// What is written instead of a key that people try in a table.
pub(super) fn refused(table: &str, key: &str) -> Option<Habit> {
    if SECRETS.contains(&key) {
        return Some(Habit { meant: "", help: "secrets do not belong in this file" });
    }
    let here = |pattern: &str| match pattern.strip_suffix('*') {
        Some(beginning) => table.starts_with(beginning),
        None => table == pattern,
    };
    KEYS.iter()
        .find(|(pattern, keys, ..)| here(pattern) && keys.contains(&key))
        .map(|(_, _, meant, help)| Habit { meant, help })
}

/// Whether a key that nobody knows is for a secret. In a sink it may have any name that says so, unless it is `near` to one
/// that the table has.
pub(super) fn is_secret(table: &str, key: &str, near: Option<&str>) -> bool {
    let in_sink = table.starts_with("a sink") || table == "a secret for a header";
    SECRETS.contains(&key) || in_sink && near.is_none() && keys::is_secret(key)
}

/// What is written instead of a secret, in a table with these keys.
pub(super) fn instead_of_secret(key: &str, known: &[&str]) -> String {
    /// What keys of secrets are called, by what people call them.
    const CALLED: [(&str, &[&str]); 4] = [
        ("password", &["pass", "pw"]),
        ("secret", &["secret"]),
        ("token", &["token", "key", "auth", "bearer"]),
        ("login", &[]),
    ];
    let has = |key: &str| known.contains(&key);
    let meant = |words: &[&str]| words.iter().any(|word| key.contains(word));
    let mut there = CALLED.iter().filter(|(name, _)| has(&format!("{name}-file")));
    let (file, variable, name) = match there.clone().find(|(_, words)| meant(words)).or_else(|| there.next())
    {
        _ if has("file") && has("env") => ("file".to_owned(), "env".to_owned(), "token"),
        _ if has("headers") && !meant(&["pass", "pw", "secret"]) => {
            return "secrets do not belong in this file: write `headers = { Authorization = { file = \
                    \"/etc/campanile/token\", before = \"Bearer \" } }`, or `env` for `file`"
                .to_owned();
        }
        Some((name, _)) => (format!("{name}-file"), format!("{name}-env"), *name),
        None => ("password-file".to_owned(), "password-env".to_owned(), "password"),
    };
    let mut help = format!("secrets do not belong in this file: write `{file} = \"/etc/campanile/{name}\"`");
    if has(&variable) || !has(&file) {
        help += &format!(" or `{variable} = \"CAMPANILE_{}\"`", name.to_uppercase());
    }
    help
}

/// The word that is written instead of one that people try.
pub(super) fn meant(word: &str) -> Option<&'static str> {
    const WORDS: &[(&str, &[&str])] = &[
        ("on", &["pressed", "true", "yes", "1", "open", "opened", "high"]),
        ("off", &["released", "false", "no", "0", "closed", "low"]),
        ("up", &["pullup", "pull-up", "pull_up", "input_pullup", "online", "connected"]),
        ("down", &["pulldown", "pull-down", "pull_down", "input_pulldown", "offline", "disconnected"]),
        ("none", &["floating", "disabled", "input"]),
        ("low", &["inverted", "true", "0"]),
        ("high", &["normal", "false", "1"]),
    ];
    let folded = word.to_lowercase();
    WORDS.iter().find(|(_, words)| words.contains(&folded.as_str())).map(|(meant, _)| *meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_instead_of_a_secret_is_a_key_that_the_table_has() {
        let cases: [(&str, &[&str], &str); 7] = [
            (
                "pasword",
                &["url", "password-file", "password-env"],
                "write `password-file = \"/etc/campanile/password\"` or `password-env = ",
            ),
            (
                "access-token",
                &["token-file", "token-env"],
                "write `token-file = \"/etc/campanile/token\"` or `token-env = ",
            ),
            ("consumer-secret", &["login-file"], "write `login-file = \"/etc/campanile/login\"`"),
            (
                "api-key",
                &["headers", "password-file", "secret-file"],
                "write `headers = { Authorization = { file = ",
            ),
            ("secret", &["headers", "password-file", "secret-file"], "write `secret-file = "),
            ("token", &["file", "env", "before"], "write `file = \"/etc/campanile/token\"` or `env = "),
            ("password", &["line"], "write `password-file = "),
        ];
        for (key, known, instead) in cases {
            let said = instead_of_secret(key, known);
            assert!(said.contains(instead), "{key}: {said}");
        }
    }
}
