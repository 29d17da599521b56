//! The log as systemd's journal takes it: each line begins with its level, and has no time, as the journal stamps lines
//! itself.

use std::fmt;
use std::os::fd::AsFd as _;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Whether what goes to stderr goes to systemd's journal. Not only whether there is one: a terminal inherits the
/// variable from the session that started it.
pub(super) fn is_stderr() -> bool {
    let stderr = rustix::fs::fstat(std::io::stderr().as_fd());
    let named = std::env::var("JOURNAL_STREAM").ok();
    named.is_some_and(|named| stderr.is_ok_and(|stat| named == format!("{}:{}", stat.st_dev, stat.st_ino)))
}

/// Text as lines of this level: the journal would take a second line for one without.
pub(super) fn lines(level: Level, text: &str) -> String {
    let priority = match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    };
    text.trim_end().lines().map(|line| format!("<{priority}>{line}\n")).collect()
}

/// Writes events with their level in front, and otherwise as `F` does.
pub(super) struct Leveled<F>(pub(super) F);

impl<S, N, F> FormatEvent<S, N> for Leveled<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut text = String::new();
        self.0.format_event(context, Writer::new(&mut text), event)?;
        writer.write_str(&lines(*event.metadata().level(), &text))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt as _;

    use crate::cli::run::journal_lines;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_has_the_level_of_its_event() {
        let written = Written::default();
        let writer = written.clone();
        let layer = journal_lines(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::error!("the file is wrong:\n  --> house.toml:3");
            tracing::warn!(code = 7, "odd");
            tracing::info!("well");
            tracing::debug!("closely");
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert_eq!(
            text,
            "<3>the file is wrong:\n<3>  --> house.toml:3\n<4>odd code=7\n<6>well\n<7>closely\n"
        );
    }
}
