//! Programs of this machine: what their tables alone cannot tell is wrong.

use crate::config::file::{ExecSink, Filled};
use crate::config::read::{At, Report};
use crate::config::source::Diagnostic;

/// Programs that run their arguments.
const SHELLS: [&str; 22] = [
    "sh",
    "bash",
    "dash",
    "zsh",
    "ksh",
    "ash",
    "fish",
    "busybox",
    "env",
    "sudo",
    "doas",
    "su",
    "ssh",
    "xargs",
    "find",
    "nice",
    "nohup",
    "setsid",
    "timeout",
    "watch",
    "parallel",
    "systemd-run",
];
/// Programs that run a text among their options, or the first argument that is none; with a version behind the name or not.
const INTERPRETERS: [&str; 11] =
    ["python", "perl", "ruby", "node", "lua", "php", "tclsh", "awk", "gawk", "mawk", "sed"];

/// Checks a program: a shell with a text from outside is everybody's shell.
pub(super) fn check_exec(exec: &ExecSink, report: &mut Report<'_>) {
    let program = &exec.program.value.0;
    let name = program.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_option = |argument: &&At<Filled>| argument.value.0.begins_with('-') && argument.value.0.is_fixed();
    let looked_at = if SHELLS.contains(&name) {
        exec.args.len()
    } else if INTERPRETERS.contains(&name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.')) {
        // Behind a program of its own, or a text that is fixed, arguments are arguments.
        exec.args.iter().take_while(is_option).count() + 1
    } else {
        return;
    };
    let Some(filled) = exec.args.iter().take(looked_at).find(|argument| !argument.value.0.is_fixed()) else {
        return;
    };
    report.push(
        Diagnostic::error(filled.span.clone(), format!("{name} would run what a message says"))
            .label("whoever can send a message could run anything")
            .other(exec.program.span.clone(), "runs its arguments")
            .help("put the lines into a program of their own, which finds the message in its arguments and as JSON on its input"),
    );
}
