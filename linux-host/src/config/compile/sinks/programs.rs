//! Programs of this machine: what their tables alone cannot tell is wrong.

use super::quota;
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

/// Options of theirs that have the next argument as their value, before which nothing is the program.
const VALUED: [&str; 9] = ["-W", "-X", "-I", "-r", "-R", "-d", "-v", "-F", "--require"];

/// Checks a program: a shell with a text from outside is everybody's shell.
pub(super) fn check_exec(exec: &ExecSink, report: &mut Report<'_>) {
    quota::check_heartbeat(exec.quota, exec.heartbeat.as_ref(), report);
    let program = &exec.program.value.0;
    let name = program.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let looked_at = if SHELLS.contains(&name) {
        exec.args.len()
    } else if INTERPRETERS.contains(&name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.')) {
        // Behind a program of its own, or a text that is fixed, arguments are arguments.
        options(&exec.args) + 1
    } else {
        return;
    };
    let Some(filled) = exec.args.iter().take(looked_at).find(|argument| !argument.value.0.is_fixed()) else {
        return;
    };
    report.push(
        Diagnostic::error(filled.span.clone(), format!("{name} would execute text from a message"))
            .label("whoever can send a message could run anything")
            .other(exec.program.span.clone(), "runs its arguments")
            .help("put the lines into a program of their own, which gets the message in its arguments and as JSON on standard input"),
    );
}

/// How many arguments come before the first that is neither an option nor the value of one.
fn options(args: &[At<Filled>]) -> usize {
    let mut rest = args.iter();
    let mut count = 0;
    while let Some(argument) = rest.next() {
        let filled = &argument.value.0;
        if !(filled.begins_with('-') && filled.is_fixed()) {
            break;
        }
        count += 1;
        if VALUED.iter().any(|option| filled.is(option)) && rest.next().is_some() {
            count += 1;
        }
    }
    count
}
