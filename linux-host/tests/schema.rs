//! The JSON Schema of the file, held against files by a validator that knows nothing of us.

use std::path::{Path, PathBuf};

use boon::{Compiler, Schemas};
use campanile::config::schema::schema;
use campanile::config::source::render;
use campanile::config::{Source, compile, load};
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Whether the schema accepts a file; if not, why.
fn validate(text: &str) -> Result<(), String> {
    let mut compiler = Compiler::new();
    compiler.add_resource("campanile.schema.json", schema()).map_err(|error| error.to_string())?;
    let mut schemas = Schemas::new();
    let index =
        compiler.compile("campanile.schema.json", &mut schemas).map_err(|error| format!("{error:#}"))?;
    let file: Value = toml::from_str(text).map_err(|error| error.to_string())?;
    schemas.validate(&file, index).map_err(|error| error.to_string())
}

fn houses() -> Vec<PathBuf> {
    let folders = ["examples", "src/demo", "../tests/houses"].map(|folder| root().join(folder));
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    files
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "toml"))
        .collect()
}

#[test]
fn every_house_that_compiles_is_valid() {
    let houses = houses();
    assert!(houses.len() >= 3, "{houses:?}");
    for path in houses {
        let source = load(&path).unwrap();
        assert!(compile(&source).is_ok(), "{}", path.display());
        validate(&source.text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

/// The file of the manual, in which everything stands once.
#[test]
fn the_manuals_file_holds_and_has_every_kind_of_sink() {
    let manual = std::fs::read_to_string(root().join("FILE.md")).unwrap();
    let (_, text) = manual.split_once("```toml\n").unwrap();
    let (text, _) = text.split_once("```").unwrap();
    let source = Source::new("FILE.md", text);
    compile(&source).unwrap_or_else(|found| panic!("{}", render(&source, &found, false)));
    validate(text).unwrap_or_else(|error| panic!("{error}"));
    let schema = schema();
    for kind in schema["$defs"]["Sink"]["anyOf"].as_array().unwrap() {
        let table = kind["$ref"].as_str().unwrap().trim_start_matches('#');
        let word = schema.pointer(table).unwrap()["properties"]["kind"]["const"].as_str().unwrap();
        assert!(text.contains(&format!("kind = \"{word}\"")), "the manual has no sink of kind {word}");
    }
}

/// Files that only the compiler can refuse: for names, sums, bounds of durations, and what stands inside of texts.
const ONLY_THE_COMPILER: &[&str] = &[
    "values.toml",
    "expressions.toml",
    "runs.toml",
    "steps.toml",
    "satellites-messages.toml",
    "satellites-none.toml",
    "satellites-own-names.toml",
    "quotas.toml",
];

/// An editor agrees with the compiler on every file of the error cases, but for those above.
#[test]
fn an_editor_sees_what_is_wrong_with_a_file() {
    let mut seen = 0;
    let mut different = Vec::new();
    for folder in ["tests/errors", "tests/errors/beginners"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            let source = load(&path).unwrap();
            // What is not TOML has no schema.
            if toml::from_str::<Value>(&source.text).is_err() {
                continue;
            }
            let name = path.strip_prefix(root().join("tests/errors")).unwrap().to_str().unwrap();
            let refused = compile(&source).is_err() && !ONLY_THE_COMPILER.contains(&name);
            if validate(&source.text).is_err() != refused {
                different.push(name.to_owned());
            }
            seen += 1;
        }
    }
    assert!(different.is_empty(), "{different:?}");
    assert!(seen > 30, "{seen} files");
}

/// Each line of the whole example with another key or another kind of value.
#[test]
fn no_key_is_accepted_that_the_compiler_refuses() {
    let text = std::fs::read_to_string(root().join("examples/whole.toml")).unwrap();
    for (line, content) in text.lines().enumerate() {
        let Some((key, _)) = content.split_once(" = ") else { continue };
        let bare = key.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        // The first values of variables have names of the author's own.
        if !bare || ["rings", "quiet"].contains(&key) {
            continue;
        }
        let wrong: Vec<_> = text
            .lines()
            .enumerate()
            .map(|(at, other)| if at == line { format!("x{other}") } else { other.to_owned() })
            .collect();
        assert!(validate(&wrong.join("\n")).is_err(), "x{key} is valid");
    }
}

/// The keys of the documentation with their defaults: `-` is none, `!` must be there.
const KEYS: &str = "
    NodeTable name! timezone-
    Journal size=256MiB age=forever sync=200ms when-full=drop-oldest
    GpiochipBoard kind- chip=auto
    RppalBoard kind!
    VirtualBoard kind!
    SerialBoard kind! port! baud=115200 machine-
    Input board- line! pull=as-is active=high debounce=10ms storm=500/s durable=false class=button report-
    ReportTable on- off- every-
    Output board- line! active=high safe=off max-on- drive=push-pull without-link-
    Sensor unit= decimals=0 deadband=0 min-interval=0s
    Scenario name! when- if- do! mode=single max- after-restart=cancel
    InputTrigger input! to- for-
    OutputTrigger output! to-
    VariableTrigger variable!
    SensorTrigger sensor! above- below- hysteresis-
    EveryTrigger every!
    AtTrigger at! days-
    CronTrigger cron!
    LinkTrigger link! to-
    MessageTrigger message!
    StartedTrigger started!
    SetAction set! to!
    PulseAction pulse! for!
    WaitAction wait!
    UntilAction wait-until! timeout-
    LetAction let! be!
    IfAction if! do! else-
    RepeatAction repeat! do!
    SendAction send! text- data-
    StartAction start!
    StopAction stop!
    EndAction end!
    House node! journal- boards- inputs- outputs- sensors- variables- scenarios- sinks- satellites-
    Satellite board- inputs- outputs- variables- scenarios-
    MqttSink kind! heartbeat- figures- url! username- password-file- password-env- client-id- ca- certificate- key- alpn- in-flight=100 only- commands- listen- discovery- payloads- batch- topics-
    AwsIotSink kind! heartbeat- endpoint! port=8883 thing- certificate! key! ca- shadow=true rule- in-flight=100 only- batch- topics-
    AwsTopics state=campanile/{node}/{kind}/{name} message=campanile/{node}/message/{name} diagnostics=campanile/{node}/diagnostics batch=campanile/{node}/batch
    WebhookSink kind! heartbeat- url- url-file- url-env- method=POST headers- username- password-file- password-env- body- \
      content-type=application/json secret-file- secret-env- signature-header=X-Campanile-Signature ca- timeout=30s quota- only-
    HeaderSecret file- env- before=
    NtfySink kind! heartbeat- url=https://ntfy.sh topic- topic-file- topic-env- token-file- token-env- title={node} text={text} \
      priority=default tags- ca- quota- only-
    MastodonSink kind! follow- heartbeat- url! token-file- token-env- text={text} visibility=private language- ca- quota- only-
    XSink kind! follow- heartbeat- login-file! text={text} url=https://api.x.com ca- quota=17/d only-
    FollowTable account! message! containing- every=1min
    ExecSink kind! heartbeat- program! args- timeout=10s max-age- quota- only-
    ChimeSink kind! sound! player=/usr/bin/aplay player-args- volume=100 timeout=30s max-age=1min only-
    FileSink kind! heartbeat- path! only-
    ConsoleSink kind! heartbeat- only-
    Edges press=10ms release=10ms max-wait-
    BatchTable most=50 within=1s
    PayloadsTable state- message- diagnostics-
    Topics status=campanile/{node}/status state=campanile/{node}/{kind}/{name} message=campanile/{node}/message/{name} \
      diagnostics=campanile/{node}/diagnostics figures=campanile/{node}/figures/{name} batch=campanile/{node}/batch command=campanile/{node}/{kind}/{name}
";

#[test]
fn keys_and_defaults_are_those_of_the_documentation() {
    let schema = schema();
    let tables = schema["$defs"].as_object().unwrap();
    let lines = KEYS.trim().lines().map(str::trim);
    let mut known: Vec<&str> = lines.clone().filter_map(|line| line.split_whitespace().next()).collect();
    known.sort_unstable();
    let with_keys = tables.iter().filter(|(_, table)| table.get("properties").is_some());
    assert_eq!(with_keys.map(|(name, _)| name.as_str()).collect::<Vec<_>>(), known);
    for line in lines {
        let mut words = line.split_whitespace();
        let table = &tables[words.next().unwrap()];
        let properties = table["properties"].as_object().unwrap();
        let mut found: Vec<String> = properties
            .iter()
            .map(|(key, property)| {
                let required = table["required"].as_array().unwrap().contains(&Value::from(key.as_str()));
                match property.get("default") {
                    Some(Value::String(text)) => format!("{key}={text}"),
                    Some(value) => format!("{key}={value}"),
                    None if required => format!("{key}!"),
                    None => format!("{key}-"),
                }
            })
            .collect();
        let mut expected: Vec<String> = words.map(str::to_owned).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{line}");
        for (key, property) in properties {
            assert!(
                key == "kind" || property["description"].as_str().is_some_and(|text| text.len() > 3),
                "{line}: {key}"
            );
        }
    }
}
