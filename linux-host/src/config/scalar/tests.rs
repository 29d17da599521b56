//! Numbers with units and decimals, exactly.

use proptest::prelude::*;

use super::*;

#[test]
fn durations_as_people_write_them() {
    for (text, us) in [
        ("800ms", 800_000),
        ("5s", 5_000_000),
        ("15min", 900_000_000),
        ("1h30min", 5_400_000_000),
        ("90d", 7_776_000_000_000),
        ("20us", 20),
        ("1.2s", 1_200_000),
        ("0.000001s", 1),
        ("2.5h", 9_000_000_000),
        ("0s", 0),
        ("5 s", 5_000_000),
        ("1d 2h", 93_600_000_000),
    ] {
        assert_eq!(duration(text).unwrap().micros(), us, "{text}");
    }
    for wrong in [
        "",
        "5",
        "s",
        "5m",
        "5s5s",
        "5ms1s",
        "-5s",
        "1e3s",
        "5s!",
        "0.0000001s",
        "40000d",
        "1.s2",
        "99999999999999999999s",
    ] {
        assert!(duration(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_time_too_long_is_not_called_too_fine() {
    let words = |text: &str| duration(text).unwrap_err().into_words().0;
    assert_eq!(words("99999999999d"), "\"99999999999d\" is longer than a century");
    assert_eq!(words("40000d"), "\"40000d\" is longer than a century");
    assert_eq!(words("0.0000001s"), "\"0.0000001s\" is not a whole number of microseconds");
}

#[test]
fn sizes_and_rates() {
    assert_eq!(units::size("256MiB").unwrap(), 256 << 20);
    assert_eq!(units::size("1 GiB").unwrap(), 1 << 30);
    assert!(units::size("99999999999TiB").is_err());
    assert_eq!((units::rate("500/s").unwrap(), units::rate("off").unwrap()), (500, 0));
    assert!(units::rate("70000/s").is_err());
}

#[test]
fn decimals_become_integers_without_a_float() {
    let scaled = |text: &str, decimals| Decimal::parse(text).unwrap().scaled(decimals);
    assert_eq!(scaled("41.5", 1), Ok(415));
    assert_eq!(scaled("41", 1), Ok(410));
    assert_eq!(scaled("41.50", 1), Ok(415));
    assert_eq!(scaled("-0.25", 2), Ok(-25));
    assert_eq!(scaled("0.1", 9), Ok(100_000_000));
    assert_eq!(scaled("-2147483648", 0), Ok(i32::MIN));
    assert!(scaled("2147483648", 0).is_err());
    assert!(scaled("41.55", 1).is_err());
    for wrong in
        ["", ".5", "1.2.3", "1e3", "inf", "nan", "0x10", "1.0123456789", "--1", "99999999999999999999"]
    {
        assert_eq!(Decimal::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn names() {
    for good in ["button", "front-door", "a", "X9_y", "zz-9"] {
        assert!(check_name(good).is_ok(), "{good}");
    }
    for wrong in ["", "9a", "-a", "a-", "a b", "a/b", "a+b", "ä", "not", "hour", "timed-out", &"a".repeat(33)]
    {
        assert!(check_name(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn a_duration_reads_as_it_is_written(us in 0u64..3_000_000_000_000_000) {
        let span = Duration::from_micros(us);
        prop_assert_eq!(duration(&duration_text(span)).unwrap(), span);
    }

    #[test]
    fn a_decimal_reads_as_it_is_written(value in any::<i32>(), decimals in 0u8..=9) {
        let text = campanile_delivery::symbols::number(value, decimals);
        let decimal = Decimal::parse(&text).unwrap();
        prop_assert_eq!(decimal.scaled(decimals).unwrap(), value);
        prop_assert_eq!(Decimal::parse(&decimal.to_string()), Some(decimal));
    }

    #[test]
    fn no_text_is_a_reason_to_panic(text in "[0-9.a-zµ +-]{0,12}") {
        let _ = (duration(&text), Decimal::parse(&text), units::size(&text), units::rate(&text), check_name(&text));
    }
}
