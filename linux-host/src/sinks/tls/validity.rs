//! From when until when a certificate holds: the one thing that is read out of X.509 here. All else is rustls' business,
//! which has no word on the dates of a certificate of one's own.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::sinks::Failure;

/// DER's tags, as far as they are met on the way to the dates.
const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// Both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

impl Validity {
    /// Whether it holds now; a file's name for what there is to say.
    pub(super) fn check(&self, now: Timestamp, path: &Path) -> Result<(), Failure> {
        let (path, day) = (path.display(), super::words::moment);
        if now < self.from {
            return Err(Failure::retry(format!(
                "the certificate {path} holds from {} on, and this clock says {}: it waits for the clock to be set",
                day(self.from),
                day(now)
            )));
        }
        if now > self.until {
            return Err(Failure::refused(format!(
                "the certificate {path} has expired on {}: put a new one there; this clock says {}",
                day(self.until),
                day(now)
            )));
        }
        Ok(())
    }
}

/// The dates of a certificate (RFC 5280, 4.1); `None` if it does not look like one.
pub(super) fn of(certificate: &[u8]) -> Option<Validity> {
    let mut whole = certificate;
    let mut body = take(&mut whole, SEQUENCE)?;
    let mut signed = take(&mut body, SEQUENCE)?;
    if signed.first() == Some(&VERSION) {
        take(&mut signed, VERSION)?;
    }
    take(&mut signed, INTEGER)?; // the serial number
    take(&mut signed, SEQUENCE)?; // the signature's algorithm
    take(&mut signed, SEQUENCE)?; // the issuer
    let mut dates = take(&mut signed, SEQUENCE)?;
    Some(Validity { from: time(&mut dates)?, until: time(&mut dates)? })
}

/// The contents of the next element, which has to be of this tag.
fn take<'a>(rest: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (&found, behind) = rest.split_first()?;
    let (&first, mut behind) = behind.split_first()?;
    let len = if first < 0x80 {
        usize::from(first)
    } else {
        // The long form: so many bytes of length follow. No certificate needs more than three.
        let (bytes, then) =
            behind.split_at_checked(usize::from(first & 0x7f)).filter(|(len, _)| len.len() <= 3)?;
        behind = then;
        bytes.iter().fold(0, |len, byte| len << 8 | usize::from(*byte))
    };
    let (contents, behind) = behind.split_at_checked(len)?;
    *rest = behind;
    (found == tag).then_some(contents)
}

/// A date in one of its two forms, which RFC 5280 has always in UTC and with seconds.
fn time(rest: &mut &[u8]) -> Option<Timestamp> {
    let tag = *rest.first()?;
    let text = std::str::from_utf8(take(rest, tag)?).ok()?.strip_suffix('Z')?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, text) = match tag {
        UTC_TIME => {
            let year: i16 = text.get(..2)?.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, text.get(2..)?)
        }
        GENERALIZED_TIME => (text.get(..4)?.parse().ok()?, text.get(4..)?),
        _ => return None,
    };
    let part = |at: usize| text.get(at..at + 2)?.parse::<i8>().ok();
    let moment = DateTime::new(year, part(0)?, part(2)?, part(4)?, part(6)?, part(8)?, 0).ok()?;
    moment.to_zoned(TimeZone::UTC).ok().map(|moment| moment.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the shape of a certificate's first elements, with these dates.
    fn certificate(dates: &[u8]) -> Vec<u8> {
        let element = |tag: u8, contents: &[u8]| {
            let mut element = vec![tag, 0x81, u8::try_from(contents.len()).unwrap()];
            element.extend(contents);
            element
        };
        let version = [VERSION, 3, INTEGER, 1, 2];
        let signed =
            [&version[..], &[INTEGER, 1, 7, SEQUENCE, 0, SEQUENCE, 0], &element(SEQUENCE, dates)].concat();
        element(SEQUENCE, &element(SEQUENCE, &signed))
    }

    fn utc(text: &str) -> Vec<u8> {
        [&[UTC_TIME, 13], text.as_bytes()].concat()
    }

    #[test]
    fn both_forms_of_a_date_are_read() {
        let long = [&[GENERALIZED_TIME, 15], b"20500101000000Z".as_slice()].concat();
        let dates = [utc("490531235959Z"), long].concat();
        let validity = of(&certificate(&dates)).unwrap();
        assert_eq!(validity.from.to_string(), "2049-05-31T23:59:59Z");
        assert_eq!(validity.until.to_string(), "2050-01-01T00:00:00Z");
        let old = of(&certificate(&[utc("500101000000Z"), utc("700101000000Z")].concat())).unwrap();
        assert_eq!(old.from.to_string(), "1950-01-01T00:00:00Z");
    }

    #[test]
    fn what_is_no_certificate_has_no_dates() {
        let right = certificate(&[utc("260101000000Z"), utc("270101000000Z")].concat());
        for len in 0..right.len() {
            assert_eq!(of(&right[..len]), None, "the first {len} bytes");
        }
        for wrong in ["261301000000Z", "26010100000+Z", "2601010000000", "260101000060Z"] {
            assert_eq!(of(&certificate(&[utc(wrong), utc("270101000000Z")].concat())), None, "{wrong}");
        }
        assert_eq!(of(&[SEQUENCE, 0x84, 0xff, 0xff, 0xff, 0xff]), None, "a length beyond all reason");
    }

    #[test]
    fn its_time_passes_and_comes() {
        let day = |text: &str| text.parse::<Timestamp>().unwrap();
        let validity = Validity { from: day("2026-01-01T00:00:00Z"), until: day("2027-01-01T00:00:00Z") };
        let path = Path::new("/etc/campanile/cert.pem");
        assert_eq!(validity.check(validity.from, path), Ok(()));
        assert_eq!(validity.check(validity.until, path), Ok(()));
        let early = validity.check(day("1970-01-01T00:01:00Z"), path).unwrap_err();
        assert_eq!(early.then, crate::sinks::Then::Retry, "it passes by itself");
        assert!(early.why.contains("holds from 2026-01-01 00:00 UTC on") && early.why.contains("1970"));
        let late = validity.check(day("2027-01-01T00:00:01Z"), path).unwrap_err();
        assert_eq!(late.then, crate::sinks::Then::Refused);
        assert!(late.why.contains("/etc/campanile/cert.pem has expired on 2027-01-01"), "{}", late.why);
    }
}
