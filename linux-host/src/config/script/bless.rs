//! Writes the trace that a script led to into the script, and leaves the rest of its text as it is.

use toml::de::DeTable;

/// The script with `trace` as what it expects; `None` if the text is no TOML with steps.
#[must_use]
pub fn bless(script: &str, trace: &str) -> Option<String> {
    let table = DeTable::parse(script).ok()?.into_inner();
    let body = trace.replace('\\', "\\\\").replace("\"\"\"", "\"\"\\\"");
    let value = format!("\"\"\"\n{body}\"\"\"");
    let (from, to, value) = match (table.get("expect"), table.get("steps")) {
        (Some(expect), _) => (expect.span().start, expect.span().end, value),
        // Behind the steps: whatever follows may be in a table of the house.
        (None, Some(steps)) => (steps.span().end, steps.span().end, format!("\nexpect = {value}")),
        (None, None) => return None,
    };
    Some(format!("{}{value}{}", script.get(..from)?, script.get(to..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0.000000  bell sent  \"a \\ b\"\n0.000001  x = 1\n";

    fn expected(text: &str) -> String {
        let table: toml::Table = text.parse().expect("TOML");
        table["expect"].as_str().expect("a text").to_owned()
    }

    #[test]
    fn what_was_expected_is_replaced_and_the_rest_stays() {
        let script = "wish = \"w\" # why\nsteps = []\nexpect = \"old\" # blessed\n[inputs.x]\n";
        let blessed = bless(script, TRACE).expect("a script");
        assert!(blessed.starts_with("wish = \"w\" # why\nsteps = []\nexpect = \"\"\"\n"));
        assert!(blessed.ends_with("\"\"\" # blessed\n[inputs.x]\n"));
        assert_eq!(expected(&blessed), TRACE);
        assert_eq!(bless(&blessed, TRACE).as_deref(), Some(blessed.as_str()));
    }

    #[test]
    fn without_an_expectation_one_is_written_in_front_of_the_house() {
        let blessed = bless("steps = [\n]\n[inputs.x]\nline = 1\n", TRACE).expect("a script");
        assert_eq!(expected(&blessed), TRACE);
        assert!(blessed.ends_with("\"\"\"\n[inputs.x]\nline = 1\n"));
        assert_eq!(bless("no toml", TRACE), None);
        assert_eq!(bless("[inputs.x]", TRACE), None);
    }

    #[test]
    fn an_empty_trace_expects_nothing() {
        assert_eq!(expected(&bless("steps = []", "").expect("a script")), "");
    }
}
