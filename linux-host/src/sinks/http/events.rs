//! Server-sent events ("Server-sent events" of the HTML standard), taken out of bytes as they come: names and data, as far
//! as they stay within a bound. Numbers of events and waits that a server asks for are passed over.

/// Of an event's name and data, so much is kept: far more than any that is meant for people.
pub const EVENT_MAX: usize = 256 << 10;

/// What a server says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Empty if it has none.
    pub name: String,
    /// Lines, without the end of the last. Of an event that was too long, nothing.
    pub data: String,
    /// It was too long.
    pub is_cut: bool,
}

/// The events of one stream.
#[derive(Debug, Default)]
pub struct Events {
    /// What has come of the current line.
    line: Vec<u8>,
    event: Event,
    /// The last byte was a carriage return: a line feed behind it belongs to it.
    after_return: bool,
}

impl Events {
    /// Takes bytes, and hands over what they complete.
    pub fn feed(&mut self, bytes: &[u8], mut out: impl FnMut(Event)) {
        for &byte in bytes {
            let is_second = byte == b'\n' && std::mem::take(&mut self.after_return);
            self.after_return = byte == b'\r';
            if is_second {
                continue;
            }
            if !matches!(byte, b'\n' | b'\r') {
                self.put(byte);
                continue;
            }
            let line = std::mem::take(&mut self.line);
            if !line.is_empty() {
                self.field(&String::from_utf8_lossy(&line));
                continue;
            }
            let mut event = std::mem::take(&mut self.event);
            // What is without data is none.
            if event.data.pop().is_some() || event.is_cut {
                out(event);
            }
        }
    }

    fn put(&mut self, byte: u8) {
        if self.line.len() + self.event.data.len() < EVENT_MAX {
            self.line.push(byte);
        } else if self.line.first() != Some(&b':') {
            self.event =
                Event { name: std::mem::take(&mut self.event.name), is_cut: true, ..Event::default() };
            self.line.truncate(1);
        }
    }

    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name.trim_start_matches('\u{feff}') {
            "event" => value.clone_into(&mut self.event.name),
            "data" if !self.event.is_cut => {
                self.event.data.push_str(value);
                self.event.data.push('\n');
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All events of a stream that comes in pieces of this size.
    fn read(text: &str, size: usize) -> Vec<Event> {
        let (mut events, mut read) = (Events::default(), Vec::new());
        for piece in text.as_bytes().chunks(size) {
            events.feed(piece, |event| read.push(event));
        }
        read
    }

    fn event(name: &str, data: &str) -> Event {
        Event { name: name.into(), data: data.into(), is_cut: false }
    }

    #[test]
    fn names_and_data_are_read_and_the_rest_is_passed_over() {
        let text = "\u{feff}:)\n:thump\nevent: update\ndata: {\"id\":\"1\"}\n\nevent: x\n\nid: 7\nretry: 9\n\
                    data:a\r\ndata: b\r\rdata\n\nevent: cut off\ndata: in the midst";
        let expected = [event("update", "{\"id\":\"1\"}"), event("", "a\nb"), event("", "")];
        for size in [1, 2, 3, 7, 1000] {
            assert_eq!(read(text, size), expected, "in pieces of {size}");
        }
    }

    #[test]
    fn an_event_that_is_too_long_is_known_as_one_and_ends_with_itself() {
        let long = "x".repeat(EVENT_MAX);
        for text in [
            format!("event: update\ndata: {long}\n\ndata: next\n\n"),
            format!(
                "event: update\ndata: {half}\ndata: {half}\ndata: {half}\n\ndata: next\n\n",
                half = &long[..EVENT_MAX / 2]
            ),
        ] {
            let read = read(&text, 4096);
            assert_eq!(read.len(), 2);
            assert_eq!(read[0], Event { name: "update".into(), data: String::new(), is_cut: true });
            assert_eq!(read[1], event("", "next"));
        }
        assert_eq!(
            read(&format!(":{long}{long}\ndata: next\n\n"), 4096),
            [event("", "next")],
            "a comment is none"
        );
    }

    proptest! {
        #[test]
        fn however_the_bytes_are_cut_they_say_the_same(
            text in "((event|data|id|:)(: ?)?[a-c:]{0,3}(\n|\r|\r\n)|(\n|\r|\r\n)){0,30}",
            size in 1..9usize,
        ) {
            prop_assert_eq!(read(&text, size), read(&text, 1000));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn memory_stays_bounded_whatever_comes(
            pieces in proptest::collection::vec("[ -~\n\r]{0,9}", 0..6),
            times in 1..40_000usize,
        ) {
            let mut events = Events::default();
            for piece in pieces {
                let bytes = piece.repeat(times);
                events.feed(&bytes.as_bytes()[..bytes.len().min(EVENT_MAX)], |_| {});
                prop_assert!(events.line.len() + events.event.data.len() <= EVENT_MAX + 1);
                prop_assert!(events.event.name.len() <= EVENT_MAX);
            }
        }
    }
}
