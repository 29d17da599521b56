//! Programs of this machine: what their tables alone cannot tell is wrong.

use crate::config::file::ExecSink;
use crate::config::read::Report;
use crate::config::source::Diagnostic;

/// Programs that would run what a message says.
const SHELLS: [&str; 10] = ["sh", "bash", "dash", "zsh", "ksh", "ash", "busybox", "env", "sudo", "xargs"];

/// Checks a program: a shell with a text from outside is everybody's shell.
pub(super) fn check_exec(exec: &ExecSink, report: &mut Report<'_>) {
    let program = &exec.program.value.0;
    let name = program.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some(filled) = exec.args.iter().find(|argument| !argument.value.0.is_fixed()) else { return };
    if SHELLS.contains(&name) {
        report.push(
            Diagnostic::error(filled.span.clone(), format!("{name} would run what a message says"))
                .label("whoever can send a message could run anything")
                .other(exec.program.span.clone(), "runs its arguments")
                .help("put the lines into a program of their own, which finds the message in its arguments and as JSON on its input"),
        );
    }
}
